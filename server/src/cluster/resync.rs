//! The resynchronisation of the owner directory: follows the members, and registers
//! devices again whose slot has moved.

use std::{collections::BTreeMap, pin::pin, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::time::{Instant, sleep};

use super::{
    context::ClusterContext,
    directory_client::{BATCH_SIZE, CONFIRM_TIMEOUT, reassign_entry, register_own},
    slots::{SLOTS, SlotTable, slot_of},
};
use crate::{
    id::NodeId,
    message::{ClusterRequest, ClusterResponse, RegistrationResult},
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
        // A lost connection changes the view too, but not its version.
        let version = table.view.version;
        let changed = async {
            views
                .wait_for(|view| view.version != version)
                .await
                .map(drop)
        };
        let mut changed = pin!(changed);
        let changed = tokio::select! {
            changed = &mut changed => changed,
            () = sync(&cluster, &table, &dirty) => {
                dirty.fill(false);
                changed.await
            }
        };
        if changed.is_err() {
            return;
        }
    }
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
        // A closing session takes no commands, and its device may be elsewhere.
        if dirty[slot_of(&session.device)]
            && session.is_open()
            && let Some(owner) = table.slot_owner(&session.device)
        {
            let batch = by_owner.entry(owner.id.clone()).or_default();
            batch.push(Arc::clone(session));
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
    announce_synced(cluster, table.view.version).await;
}

/// Registers one batch at its slot owner, and retries until it succeeds. A new view ends
/// the attempts from outside.
async fn register(cluster: &ClusterContext, owner: NodeId, mut batch: Vec<Arc<Session>>) {
    let register_here = |session: &Arc<Session>| register_own(cluster, session);
    loop {
        let results = match owner == cluster.me {
            true => Some(batch.iter().map(register_here).collect()),
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

async fn request_registration(
    cluster: &ClusterContext,
    owner: &NodeId,
    batch: &[Arc<Session>],
) -> Option<Vec<RegistrationResult>> {
    let entries = batch
        .iter()
        .map(|session| (session.device.clone(), session.epoch()))
        .collect();
    let request = ClusterRequest::Register(entries);
    let deadline = Instant::now() + CONFIRM_TIMEOUT;
    match cluster.request(owner, &request, deadline).await.ok()? {
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

async fn announce_synced(cluster: &ClusterContext, version: u64) {
    cluster.directory.lock().mark_synced(&cluster.me, version);
    stream::iter(cluster.other_nodes())
        .for_each_concurrent(None, |other| async move {
            // Until a node has the announcement, it answers "unknown" instead of "not
            // connected", and commands are broadcast.
            let request = ClusterRequest::Synced(version);
            let deadline = || Instant::now() + CONFIRM_TIMEOUT;
            while cluster.request(&other, &request, deadline()).await.is_err() {
                sleep(RETRY_INTERVAL).await;
            }
        })
        .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cluster::{directory_client::register_local, fixture, session_end::remove_session},
        id::DeviceId,
        message::DeviceLocation,
        net::ws::close::CloseReason,
    };

    fn is_registered(cluster: &ClusterContext, device: &DeviceId) -> bool {
        matches!(cluster.locate_entry(device), DeviceLocation::OnNode { .. })
    }

    #[tokio::test]
    async fn entry_of_ended_connection_goes_to_connected_one() {
        let cluster = fixture::cluster();
        let device: DeviceId = "d".parse().unwrap();
        let session = || Arc::new(Session::new(device.clone(), 1));
        let (old, new) = (session(), session());
        let register = || register_local(&cluster, &cluster.me, &device, None);
        // The old connection was in a batch when the new one was registered faster.
        cluster.sessions.registry.insert(&old);
        cluster.sessions.registry.insert(&new);
        assert!(!apply_result(&cluster, &new, Some(register())));
        assert!(!apply_result(&cluster, &old, Some(register())));
        assert!(is_registered(&cluster, &device), "no entry");
        remove_session(&cluster, &new, CloseReason::ConnectionLost);
        assert!(!is_registered(&cluster, &device), "entry left behind");
        // Without another connection the entry is removed.
        assert!(!apply_result(&cluster, &old, Some(register())));
        assert!(!is_registered(&cluster, &device), "entry left behind");
    }
}
