//! Follows the members: lays the slots out again with each view and registers
//! devices whose slot moved at their new home.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::{
    directory_client::{BATCH_SIZE, CONFIRM_TIMEOUT, reassign_entry, register_local},
    slots::{SLOTS, SlotTable, slot_of},
};
use crate::{
    backplane::View,
    id::NodeId,
    message::{ClusterRequest, ClusterResponse, RegistrationResult, decode, encode},
    node::Node,
    session::Session,
};

/// Between two attempts while the others have not seen the view yet.
const RETRY_INTERVAL: Duration = Duration::from_millis(25);
/// Batches under way at once: a home must not be flooded.
const MAX_CONCURRENT_BATCHES: usize = 4;

/// Runs as long as the node.
pub(crate) async fn run(node: Arc<Node>) {
    let mut views = node.cluster.backplane.view();
    // Slots whose entries are not where they should be. A slot stays in here until
    // a whole round has succeeded, however many views pass meanwhile.
    let mut dirty = vec![true; SLOTS];
    loop {
        let view = views.borrow_and_update().clone();
        let before = node.cluster.table();
        let table = Arc::new(SlotTable::new(view));
        mark_dirty(&mut dirty, &before, &table, &node.cluster.me);
        node.cluster.set_slot_table(Arc::clone(&table));
        tokio::select! {
            changed = changed(&mut views, table.view.version) => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
            () = sync(&node, &table, &dirty) => dirty.fill(false),
        }
        if changed(&mut views, table.view.version).await.is_err() {
            return;
        }
    }
}

/// Waits for members that are others than those of `version`; that the connection
/// broke does not change them.
async fn changed(
    views: &mut watch::Receiver<Arc<View>>,
    version: u64,
) -> Result<(), watch::error::RecvError> {
    views
        .wait_for(|view| view.version != version)
        .await
        .map(|_| ())
}

fn mark_dirty(dirty: &mut [bool], before: &SlotTable, after: &SlotTable, me: &NodeId) {
    let joined = |table: &SlotTable| table.view.member(me).map(|member| member.generation);
    // A home may have dropped and taken back a slot in a view that this node has
    // missed, and has dropped everything of a node that was away.
    let missed = after.view.version > before.view.version + 1;
    if missed || joined(before) != joined(after) {
        dirty.fill(true);
        return;
    }
    for (slot, dirty) in dirty.iter_mut().enumerate() {
        *dirty |= after.owner_changed(before, slot);
    }
}

/// Registers every device of a dirty slot, then tells all members that it is done.
async fn sync(node: &Arc<Node>, table: &SlotTable, dirty: &[bool]) {
    let mut by_home: BTreeMap<NodeId, Vec<Arc<Session>>> = BTreeMap::new();
    node.registry.for_each(|session| {
        if dirty[slot_of(&session.device)]
            && let Some(home) = table.slot_owner(&session.device)
        {
            by_home
                .entry(home.id.clone())
                .or_default()
                .push(Arc::clone(session));
        }
    });
    let batches = by_home.into_iter().flat_map(|(home, sessions)| {
        let batches: Vec<_> = sessions.chunks(BATCH_SIZE).map(<[_]>::to_vec).collect();
        batches.into_iter().map(move |batch| (home.clone(), batch))
    });
    stream::iter(batches)
        .for_each_concurrent(MAX_CONCURRENT_BATCHES, |(home, batch)| {
            register(node, home, batch)
        })
        .await;
    announce_synced(node, table).await;
}

/// Registers one batch at its home, however often it takes.
async fn register(node: &Arc<Node>, home: NodeId, mut batch: Vec<Arc<Session>>) {
    loop {
        let verdicts = match home == node.cluster.me {
            true => Some(register_all_local(node, &batch)),
            false => request_registration(node, &home, &batch).await,
        };
        if let Some(verdicts) = verdicts {
            let mut verdicts = verdicts.into_iter();
            batch.retain(|session| apply_result(node, session, verdicts.next()));
        }
        if batch.is_empty() {
            return;
        }
        sleep(RETRY_INTERVAL).await;
    }
}

fn register_all_local(node: &Node, batch: &[Arc<Session>]) -> Vec<RegistrationResult> {
    let me = &node.cluster.me;
    batch
        .iter()
        .map(|session| register_local(node, me, &session.device, session.epoch()))
        .collect()
}

async fn request_registration(
    node: &Node,
    home: &NodeId,
    batch: &[Arc<Session>],
) -> Option<Vec<RegistrationResult>> {
    let entries = batch
        .iter()
        .map(|session| (session.device.clone(), session.epoch()))
        .collect();
    let request = encode(&ClusterRequest::Register(entries));
    let deadline = Instant::now() + CONFIRM_TIMEOUT;
    let response = node
        .cluster
        .backplane
        .request(home, request, deadline)
        .await
        .ok()?;
    match decode(&response)? {
        ClusterResponse::Registered(verdicts) => Some(verdicts),
        _ => None,
    }
}

/// Whether the session must be tried again.
fn apply_result(node: &Node, session: &Arc<Session>, verdict: Option<RegistrationResult>) -> bool {
    match verdict {
        Some(RegistrationResult::Accepted(epoch)) => {
            session.set_epoch(epoch);
            if !node.registry.is_current(session) {
                reassign_entry(node, session, epoch);
            }
            false
        }
        Some(RegistrationResult::Superseded) => {
            if let Some(epoch) = session.epoch() {
                session.mark_superseded(epoch);
            }
            false
        }
        Some(RegistrationResult::NotSlotOwner) | None => node.registry.is_current(session),
    }
}

async fn announce_synced(node: &Arc<Node>, table: &SlotTable) {
    let version = table.view.version;
    node.cluster
        .directory()
        .mark_synced(&node.cluster.me, version);
    let others: Vec<NodeId> = table
        .view
        .nodes()
        .map(|member| member.id.clone())
        .filter(|id| *id != node.cluster.me)
        .collect();
    stream::iter(others)
        .for_each_concurrent(None, |other| async move {
            loop {
                let question = encode(&ClusterRequest::Synced(version));
                let deadline = Instant::now() + CONFIRM_TIMEOUT;
                if node
                    .cluster
                    .backplane
                    .request(&other, question, deadline)
                    .await
                    .is_ok()
                {
                    return;
                }
                sleep(RETRY_INTERVAL).await;
            }
        })
        .await;
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{
        NodeConfig,
        backplane::{BackplaneConfig, Identity, MemberRole, join},
        cluster::ClusterState,
        id::DeviceId,
        ingest::TelemetryIntake,
        message::DeviceLocation,
        net::ws::close::CloseReason,
    };

    /// A cluster of one, home of every device.
    fn node() -> Node {
        let config = NodeConfig::new("me".parse().unwrap());
        let identity = Identity {
            id: config.id.clone(),
            incarnation: 1,
            address: None,
            role: MemberRole::Node,
        };
        let stop = CancellationToken::new();
        let alone = join(&BackplaneConfig::for_url(None), identity, stop.clone());
        let (cluster, _) = ClusterState::new(config.id.clone(), alone.backplane);
        let (intake, _) = TelemetryIntake::new(&config.limits);
        Node::new(config, cluster, intake, stop)
    }

    fn is_known(node: &Node, device: &DeviceId) -> bool {
        matches!(
            node.cluster.directory().locate(device),
            DeviceLocation::OnNode { .. }
        )
    }

    #[tokio::test]
    async fn an_entry_of_a_connection_that_ended_is_for_the_one_that_is_here() {
        let node = node();
        let device: DeviceId = "d".parse().unwrap();
        let session = || Arc::new(Session::new(device.clone(), 1));
        let (old, new) = (session(), session());
        let me = &node.cluster.me;
        let register = || register_local(&node, me, &device, None);
        // The old one was in a batch when the new one came and was quicker.
        node.registry.insert(&old);
        node.registry.insert(&new);
        assert!(!apply_result(&node, &new, Some(register())));
        assert!(!apply_result(&node, &old, Some(register())));
        assert!(is_known(&node, &device), "connected, and nobody finds it");
        node.remove_session(&new, CloseReason::ConnectionLost);
        assert!(!is_known(&node, &device), "left behind");
        // Without another one it is taken back.
        assert!(!apply_result(&node, &old, Some(register())));
        assert!(!is_known(&node, &device), "left behind");
    }
}
