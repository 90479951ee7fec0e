//! The resynchronisation of the owner directory: follows the members, and registers
//! devices again whose slot has moved.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::{
    context::ClusterContext,
    directory_client::{BATCH_SIZE, CONFIRM_TIMEOUT, reassign_entry, register_local},
    slots::{SLOTS, SlotTable, slot_of},
};
use crate::{
    backplane::View,
    id::NodeId,
    message::{ClusterRequest, ClusterResponse, RegistrationResult, decode, encode},
    session::Session,
};

/// Delay between two attempts while other nodes have not seen the view yet.
const RETRY_INTERVAL: Duration = Duration::from_millis(25);
/// Batches in flight at once. They bound the load on one slot owner after a change of
/// members, when every node registers its devices.
const MAX_CONCURRENT_BATCHES: usize = 4;

/// Runs for as long as the node.
pub(crate) async fn run(cluster: Arc<ClusterContext>) {
    let mut views = cluster.backplane.view();
    // Slots whose entries are not at their owner. A slot stays dirty until one whole
    // round has succeeded, however many views pass meanwhile.
    let mut dirty = vec![true; SLOTS];
    loop {
        let view = views.borrow_and_update().clone();
        let before = cluster.table();
        let table = Arc::new(SlotTable::new(view));
        mark_dirty(&mut dirty, &before, &table, &cluster.me);
        cluster.set_slot_table(Arc::clone(&table));
        tokio::select! {
            changed = members_changed(&mut views, table.view.version) => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
            () = sync(&cluster, &table, &dirty) => dirty.fill(false),
        }
        if members_changed(&mut views, table.view.version)
            .await
            .is_err()
        {
            return;
        }
    }
}

/// Waits for a view of another version. A lost connection changes the view too, but not
/// its version.
async fn members_changed(
    views: &mut watch::Receiver<Arc<View>>,
    version: u64,
) -> Result<(), watch::error::RecvError> {
    views
        .wait_for(|view| view.version != version)
        .await
        .map(|_| ())
}

fn mark_dirty(dirty: &mut [bool], before: &SlotTable, after: &SlotTable, me: &NodeId) {
    let generation = |table: &SlotTable| table.view.member(me).map(|member| member.generation);
    // In a view that this node has missed, a slot may have moved away and back, and its
    // entries were dropped. A node with a new generation has lost all its entries.
    let missed_view = after.view.version > before.view.version + 1;
    if missed_view || generation(before) != generation(after) {
        dirty.fill(true);
        return;
    }
    for (slot, dirty) in dirty.iter_mut().enumerate() {
        *dirty |= after.owner_changed(before, slot);
    }
}

/// Registers every device of a dirty slot, then announces to all nodes that it is done.
async fn sync(cluster: &ClusterContext, table: &SlotTable, dirty: &[bool]) {
    let mut by_owner: BTreeMap<NodeId, Vec<Arc<Session>>> = BTreeMap::new();
    cluster.sessions.registry.for_each(|session| {
        if dirty[slot_of(&session.device)]
            && let Some(owner) = table.slot_owner(&session.device)
        {
            by_owner
                .entry(owner.id.clone())
                .or_default()
                .push(Arc::clone(session));
        }
    });
    let batches = by_owner.into_iter().flat_map(|(owner, sessions)| {
        let batches: Vec<_> = sessions.chunks(BATCH_SIZE).map(<[_]>::to_vec).collect();
        batches.into_iter().map(move |batch| (owner.clone(), batch))
    });
    stream::iter(batches)
        .for_each_concurrent(MAX_CONCURRENT_BATCHES, |(owner, batch)| {
            register(cluster, owner, batch)
        })
        .await;
    announce_synced(cluster, table).await;
}

/// Registers one batch at its slot owner, and retries until it succeeds. A new view ends
/// the attempts from outside.
async fn register(cluster: &ClusterContext, owner: NodeId, mut batch: Vec<Arc<Session>>) {
    loop {
        let results = match owner == cluster.me {
            true => Some(register_all_local(cluster, &batch)),
            false => request_registration(cluster, &owner, &batch).await,
        };
        if let Some(results) = results {
            let mut results = results.into_iter();
            batch.retain(|session| apply_result(cluster, session, results.next()));
        }
        if batch.is_empty() {
            return;
        }
        sleep(RETRY_INTERVAL).await;
    }
}

fn register_all_local(cluster: &ClusterContext, batch: &[Arc<Session>]) -> Vec<RegistrationResult> {
    batch
        .iter()
        .map(|session| register_local(cluster, &cluster.me, &session.device, session.epoch()))
        .collect()
}

async fn request_registration(
    cluster: &ClusterContext,
    owner: &NodeId,
    batch: &[Arc<Session>],
) -> Option<Vec<RegistrationResult>> {
    let entries = batch
        .iter()
        .map(|session| (session.device.clone(), session.epoch()))
        .collect();
    let request = encode(&ClusterRequest::Register(entries));
    let deadline = Instant::now() + CONFIRM_TIMEOUT;
    let response = cluster
        .backplane
        .request(owner, request, deadline)
        .await
        .ok()?;
    match decode(&response)? {
        ClusterResponse::Registered(results) => Some(results),
        _ => None,
    }
}

/// Applies the answer to one registration. Returns whether the session must be
/// registered again.
fn apply_result(
    cluster: &ClusterContext,
    session: &Arc<Session>,
    result: Option<RegistrationResult>,
) -> bool {
    let registry = &cluster.sessions.registry;
    match result {
        Some(RegistrationResult::Accepted(epoch)) => {
            session.set_epoch(epoch);
            // The session ended while its registration was in flight.
            if !registry.is_current(session) {
                reassign_entry(cluster, session, epoch);
            }
            false
        }
        Some(RegistrationResult::Superseded) => {
            if let Some(epoch) = session.epoch() {
                session.mark_superseded(epoch);
            }
            false
        }
        Some(RegistrationResult::NotSlotOwner) | None => registry.is_current(session),
    }
}

async fn announce_synced(cluster: &ClusterContext, table: &SlotTable) {
    let version = table.view.version;
    cluster.directory().mark_synced(&cluster.me, version);
    let others: Vec<NodeId> = table
        .view
        .nodes()
        .map(|member| member.id.clone())
        .filter(|id| *id != cluster.me)
        .collect();
    stream::iter(others)
        .for_each_concurrent(None, |other| async move {
            // Until a node has the announcement, it answers "unknown" instead of "not
            // connected", and commands are broadcast.
            loop {
                let request = encode(&ClusterRequest::Synced(version));
                let deadline = Instant::now() + CONFIRM_TIMEOUT;
                if cluster
                    .backplane
                    .request(&other, request, deadline)
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
        backplane::{BackplaneConfig, Identity, MemberRole, join},
        cluster::{Routing, session_end::remove_session},
        id::DeviceId,
        limits::NodeLimits,
        message::DeviceLocation,
        net::ws::close::CloseReason,
        session::SessionContext,
    };

    /// Returns a cluster of one node, which owns every slot.
    fn cluster() -> ClusterContext {
        let me: NodeId = "me".parse().unwrap();
        let identity = Identity {
            id: me.clone(),
            incarnation: 1,
            address: None,
            role: MemberRole::Node,
        };
        let alone = join(
            &BackplaneConfig::for_url(None),
            identity,
            CancellationToken::new(),
        );
        let sessions = Arc::new(SessionContext::new(NodeLimits::default()));
        ClusterContext::new(me, Routing::Directory, alone.backplane, sessions).0
    }

    fn is_registered(cluster: &ClusterContext, device: &DeviceId) -> bool {
        matches!(
            cluster.directory().locate(device),
            DeviceLocation::OnNode { .. }
        )
    }

    #[tokio::test]
    async fn entry_of_ended_connection_goes_to_connected_one() {
        let cluster = cluster();
        let device: DeviceId = "d".parse().unwrap();
        let session = || Arc::new(Session::new(device.clone(), 1));
        let (old, new) = (session(), session());
        let register = || register_local(&cluster, &cluster.me, &device, None);
        // The old connection was in a batch when the new one was registered faster.
        cluster.sessions.registry.insert(&old);
        cluster.sessions.registry.insert(&new);
        assert!(!apply_result(&cluster, &new, Some(register())));
        assert!(!apply_result(&cluster, &old, Some(register())));
        assert!(
            is_registered(&cluster, &device),
            "connected without an entry"
        );
        remove_session(&cluster, &new, CloseReason::ConnectionLost);
        assert!(!is_registered(&cluster, &device), "entry left behind");
        // Without another connection the entry is removed.
        assert!(!apply_result(&cluster, &old, Some(register())));
        assert!(!is_registered(&cluster, &device), "entry left behind");
    }
}
