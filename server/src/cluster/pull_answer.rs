//! The answer to a slot owner that asks for this node's connections.

use super::context::ClusterContext;
use crate::message::{ListedSlot, PullRequest, PulledSlots, digest};

/// The connections of one answer. With the longest ids it stays below the largest payload.
const MAX_LISTED: usize = 2048;

/// Compares the wanted slots with this node's connections, and lists those that differ.
///
/// Answers no slot before this node has the view of the request: a connection that it
/// registers meanwhile would go to the former slot owner.
pub(super) fn answer(cluster: &ClusterContext, pull: PullRequest) -> PulledSlots {
    match cluster.table().view.version >= pull.version {
        true => list(cluster, pull, MAX_LISTED),
        false => PulledSlots::default(),
    }
}

fn list(cluster: &ClusterContext, pull: PullRequest, max_listed: usize) -> PulledSlots {
    let mut answer = PulledSlots::default();
    let mut after = pull.after;
    let mut room = max_listed;
    for (slot, known_digest) in pull.slots {
        cluster.pull_counts.add(slot);
        let mut connections = cluster.sessions.registry.registered_in_slot(slot);
        let of_all = connections.iter().map(|(device, epoch)| (device, *epoch));
        if after.is_none() && digest(of_all) == known_digest {
            answer.answered += 1;
            continue;
        }
        connections.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        if let Some(after) = after.take() {
            connections.retain(|(device, _)| *device > after);
        }
        let is_cut = connections.len() > room;
        if is_cut && !answer.listed.is_empty() {
            // The next request begins with it.
            return answer;
        }
        connections.truncate(room);
        room -= connections.len();
        answer.listed.push(ListedSlot { slot, connections });
        if is_cut {
            return answer;
        }
        answer.answered += 1;
    }
    answer
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        cluster::fixture,
        id::DeviceId,
        message::{Epoch, slot_of},
        session::Session,
    };

    #[tokio::test]
    async fn large_slot_is_listed_in_parts_and_equal_digests_are_not_listed() {
        let cluster = fixture::cluster();
        let slot = slot_of(&"d".parse().unwrap());
        let devices = (0..).map(|n| format!("d{n}").parse::<DeviceId>().unwrap());
        let devices: Vec<_> = devices.filter(|id| slot_of(id) == slot).take(5).collect();
        for (count, device) in devices.iter().enumerate() {
            let session = Arc::new(Session::new(device.clone(), 1));
            session.set_epoch(Epoch::new(1, count as u64));
            cluster.sessions.registry.insert(&session);
        }
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let slots = vec![(slot, 0), (slot ^ 1, 0)];
            let request = PullRequest {
                version: 1,
                slots,
                after: after.clone(),
            };
            let answer = list(&cluster, request, 2);
            let [listed] = &answer.listed[..] else {
                panic!("{answer:?}")
            };
            seen.extend(listed.connections.clone());
            if answer.answered == 2 {
                break;
            }
            assert_eq!((answer.answered, listed.connections.len()), (0, 2));
            after = listed.connections.last().map(|(device, _)| device.clone());
        }
        assert_eq!(seen.len(), 5);
        let digest = digest(seen.iter().map(|(device, epoch)| (device, *epoch)));
        let request = PullRequest {
            version: 1,
            slots: vec![(slot, digest)],
            after: None,
        };
        let answer = list(&cluster, request, 2);
        assert_eq!((answer.answered, answer.listed.len()), (1, 0));
    }

    #[tokio::test]
    async fn node_answers_no_slot_before_it_has_the_view() {
        let cluster = fixture::cluster();
        let request = |version| PullRequest {
            version,
            slots: vec![(1, 7)],
            after: None,
        };
        assert_eq!(answer(&cluster, request(2)).answered, 0);
        assert_eq!(answer(&cluster, request(1)).answered, 1);
    }
}
