//! Who is there, and who hears what.

use std::collections::{BTreeMap, HashMap, HashSet};

use bytes::Bytes;

use super::protocol::FromBroker;
use crate::{
    backplane::{Member, Role, Taken, View, first_version, seal},
    bounded_queue,
    id::{NodeId, Topic},
};

/// The broker's state, behind one short lock.
#[derive(Default)]
pub(super) struct Switch {
    version: u64,
    /// Ordered, as views are.
    seats: BTreeMap<NodeId, Seat>,
    topics: HashMap<Topic, HashSet<NodeId>>,
}

struct Seat {
    member: Member,
    /// What waits for the node is bounded, so that one that does not read stalls
    /// nobody and costs no memory without end.
    queue: bounded_queue::Sender<Bytes>,
}

impl Seat {
    /// Queues or drops; what is dropped is counted.
    fn push(&self, frame: Bytes) {
        let _ = self.queue.push(frame);
    }
}

/// Who asks to join.
pub(super) struct Newcomer {
    pub(super) id: NodeId,
    pub(super) boot: u64,
    pub(super) address: Option<String>,
    pub(super) role: Role,
    pub(super) last_version: u64,
}

impl Switch {
    /// A broker that starts now.
    pub(super) fn starting_now() -> Self {
        Self {
            version: first_version(),
            ..Self::default()
        }
    }

    /// Seats a node and tells everyone. A seat held by an older life of the node,
    /// or by an older connection of the same life, is taken over: that connection
    /// ends, since nothing else holds its queue. Answers the `joined` number.
    pub(super) fn join(
        &mut self,
        newcomer: Newcomer,
        queue: bounded_queue::Sender<Bytes>,
    ) -> Result<u64, Taken> {
        let Newcomer {
            id,
            boot,
            address,
            role,
            last_version,
        } = newcomer;
        if let Some(seat) = self.seats.get(&id)
            && seat.member.boot > boot
        {
            return Err(Taken {
                id,
                taken: seat.member.boot,
                found: boot,
            });
        }
        self.forget_topics(&id);
        self.version = self.version.max(last_version) + 1;
        let joined = self.version;
        let member = Member {
            id: id.clone(),
            boot,
            joined,
            address,
            role,
        };
        self.seats.insert(id, Seat { member, queue });
        self.announce();
        Ok(joined)
    }

    /// Frees the seat, if it is still the one taken with that number.
    pub(super) fn leave(&mut self, id: &NodeId, joined: u64) {
        if self
            .seats
            .get(id)
            .is_some_and(|seat| seat.member.joined == joined)
        {
            if let Some(seat) = self.seats.remove(id) {
                let dropped = seat.queue.refused();
                tracing::info!(node = %id, dropped, "node left");
            }
            self.forget_topics(id);
            self.version += 1;
            self.announce();
        }
    }

    /// Whether the seat is still the one taken with that number.
    pub(super) fn holds(&self, id: &NodeId, joined: u64) -> bool {
        self.seats
            .get(id)
            .is_some_and(|seat| seat.member.joined == joined)
    }

    /// To one node; to nobody when it is not there, or is again with another seat.
    pub(super) fn unicast(&self, from: &NodeId, to: &NodeId, joined: u64, payload: &[u8]) {
        if let Some(seat) = self.seats.get(to)
            && seat.member.joined == joined
        {
            seat.push(seal(&FromBroker::Unicast { from: from.clone() }, payload));
        }
    }

    /// To every subscriber but the publisher.
    pub(super) fn publish(&self, from: &NodeId, topic: &Topic, payload: &[u8]) {
        let Some(subscribers) = self.topics.get(topic) else {
            return;
        };
        let frame: Bytes = seal(
            &FromBroker::Published {
                topic: topic.clone(),
            },
            payload,
        );
        for node in subscribers.iter().filter(|node| *node != from) {
            if let Some(seat) = self.seats.get(node) {
                seat.push(frame.clone());
            }
        }
    }

    pub(super) fn subscribe(&mut self, node: &NodeId, topic: Topic) {
        self.topics.entry(topic).or_default().insert(node.clone());
    }

    pub(super) fn unsubscribe(&mut self, node: &NodeId, topic: &Topic) {
        if let Some(subscribers) = self.topics.get_mut(topic) {
            subscribers.remove(node);
            if subscribers.is_empty() {
                self.topics.remove(topic);
            }
        }
    }

    fn forget_topics(&mut self, node: &NodeId) {
        self.topics.retain(|_, subscribers| {
            subscribers.remove(node);
            !subscribers.is_empty()
        });
    }

    fn announce(&self) {
        let members = self
            .seats
            .values()
            .map(|seat| seat.member.clone())
            .collect();
        let view = View {
            version: self.version,
            members,
            connected: true,
        };
        let frame = seal(&FromBroker::View(view), &[]);
        for seat in self.seats.values() {
            seat.push(frame.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newcomer(id: &str, boot: u64, last_version: u64) -> Newcomer {
        Newcomer {
            id: id.parse().unwrap(),
            boot,
            address: None,
            role: Role::Node,
            last_version,
        }
    }

    #[test]
    fn an_older_life_is_refused_and_a_newer_one_takes_over() {
        let mut switch = Switch::default();
        let (queue, _waiting) = bounded_queue::channel(10, 1000);
        let first = switch.join(newcomer("a", 5, 0), queue.clone()).unwrap();
        assert!(switch.join(newcomer("a", 4, 0), queue.clone()).is_err());
        let second = switch.join(newcomer("a", 6, 0), queue).unwrap();
        let id = "a".parse().unwrap();
        switch.leave(&id, first);
        assert!(
            switch.holds(&id, second),
            "the old connection's end changes nothing"
        );
    }

    #[test]
    fn versions_grow_across_restarts() {
        let mut switch = Switch::default();
        let (queue, _waiting) = bounded_queue::channel(10, 1000);
        assert_eq!(switch.join(newcomer("a", 1, 41), queue).unwrap(), 42);
    }
}
