//! The node's client of the owner directory: sends registrations to slot owners, in
//! batches.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use nix::time::ClockId;
use tokio::{
    sync::{mpsc, oneshot},
    task::yield_now,
    time::{Instant, sleep, timeout_at},
};

use super::{
    context::ClusterContext, directory_partition::ReplacedConnection,
    directory_update::DirectoryUpdate, slots::SlotOwner,
};
use crate::{
    backplane::SendError,
    id::{DeviceId, NodeId},
    message::{
        ClusterNotification, ClusterRequest, ClusterResponse, Epoch, RegistrationResult, encode,
    },
    session::Session,
};

/// Entries of one message.
const BATCH_SIZE: usize = 256;
/// Time between two batches. One that comes later waits for nothing.
const BATCH_INTERVAL: Duration = Duration::from_millis(10);
/// Time in which a slot owner must confirm a batch.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(2);
/// Delay before the second attempt, while the members change. It doubles with each
/// attempt, so that many waiting devices leave the slot owner room to answer.
const INITIAL_RETRY_DELAY: Duration = Duration::from_millis(20);
/// The longest delay between two attempts.
const MAX_RETRY_DELAY: Duration = Duration::from_millis(320);

/// Unregistrations that are kept while they cannot be sent. Beyond it, entries of ended
/// connections stay until their devices return or a member changes.
const MAX_UNSENT: usize = 100_000;
/// Time between two attempts to send them.
const RESEND_INTERVAL: Duration = Duration::from_millis(500);

/// The reason why a device could not be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RegisterError {
    #[error("the owner directory did not confirm the device in time")]
    Timeout,
    #[error("a newer connection of the device exists")]
    Superseded,
}

/// Registers a new connection at its slot owner. Retries until `deadline`, because the
/// members may be changing.
pub(crate) async fn register(
    cluster: &ClusterContext,
    session: &Arc<Session>,
    deadline: Instant,
) -> Result<(), RegisterError> {
    let mut retry_delay = INITIAL_RETRY_DELAY;
    loop {
        let result = timeout_at(deadline, try_register(cluster, session))
            .await
            .map_err(|_| RegisterError::Timeout)?;
        match result {
            Some(RegistrationResult::Accepted(_)) => return Ok(()),
            Some(RegistrationResult::Superseded) => return Err(RegisterError::Superseded),
            Some(RegistrationResult::NotSlotOwner) | None => {
                // Jittered: devices of one lost node register at the same moment.
                let delay = retry_delay.mul_f64(rand::random_range(0.5..1.0));
                retry_delay = (retry_delay * 2).min(MAX_RETRY_DELAY);
                if Instant::now() + delay >= deadline {
                    return Err(RegisterError::Timeout);
                }
                sleep(delay).await;
            }
        }
    }
}

async fn try_register(
    cluster: &ClusterContext,
    session: &Arc<Session>,
) -> Option<RegistrationResult> {
    match cluster.slot_owner(&session.device) {
        SlotOwner::Unknown => None,
        owner @ SlotOwner::Local => {
            let sent = SentRegistration::of(cluster, session);
            let result = register_own(cluster, session);
            Some(confirm(cluster, &sent, &owner, result))
        }
        SlotOwner::Remote(_) => {
            let (result_tx, result_rx) = oneshot::channel();
            let update = DirectoryUpdate::Register {
                session: Arc::clone(session),
                result_tx,
            };
            cluster.directory_updates.send(update).await.ok()?;
            result_rx.await.ok()
        }
    }
}

/// A registration that waits for its answer.
struct SentRegistration {
    session: Arc<Session>,
    /// The answers about the device's slot before, if those after it may have left the session
    /// out: it had no epoch yet.
    pulls_before: Option<u32>,
}

impl SentRegistration {
    /// Creates the registration of a session. Must be called before it is sent.
    fn of(cluster: &ClusterContext, session: &Arc<Session>) -> Self {
        let is_listed = session.epoch().is_some();
        let pulls = cluster.pull_counts.of(&session.device);
        Self {
            session: Arc::clone(session),
            pulls_before: (!is_listed).then_some(pulls),
        }
    }

    /// Whether this node has told a slot owner meanwhile that it has no such session.
    fn was_left_out(&self, cluster: &ClusterContext) -> bool {
        let pulls = cluster.pull_counts.of(&self.session.device);
        self.pulls_before.is_some_and(|before| before != pulls)
    }
}

/// Applies the answer that a slot owner gave.
///
/// The session registers again in two cases: if the slot has moved meanwhile, the new slot owner
/// may have asked for this node's connections before; and if the slot owner itself has asked
/// meanwhile, it has removed an entry that this node did not list yet.
fn confirm(
    cluster: &ClusterContext,
    sent: &SentRegistration,
    owner: &SlotOwner,
    result: RegistrationResult,
) -> RegistrationResult {
    let RegistrationResult::Accepted(epoch) = result else {
        return result;
    };
    // The epoch first: from here on the session is listed for a slot owner that asks.
    sent.session.set_epoch(epoch);
    let has_moved = cluster.slot_owner(&sent.session.device) != *owner;
    match has_moved || sent.was_left_out(cluster) {
        true => RegistrationResult::NotSlotOwner,
        false => result,
    }
}

/// Registers a session of this node in this node's partition.
fn register_own(cluster: &ClusterContext, session: &Session) -> RegistrationResult {
    register_local(cluster, &cluster.me, &session.device, session.epoch())
}

/// Registers a device of node `from` in this node's partition, and closes the
/// connection that it replaces.
pub(super) fn register_local(
    cluster: &ClusterContext,
    from: &NodeId,
    device: &DeviceId,
    known: Option<Epoch>,
) -> RegistrationResult {
    let (result, replaced) = cluster.directory.lock().register(from, device, known);
    if let Some(ReplacedConnection { owner, epoch }) = replaced {
        close_replaced(cluster, &owner, device, epoch);
    }
    result
}

/// Closes the connection of a device to node `owner`, unless it is newer than `epoch`.
pub(super) fn close_replaced(
    cluster: &ClusterContext,
    owner: &NodeId,
    device: &DeviceId,
    epoch: Epoch,
) {
    if *owner == cluster.me {
        cluster.sessions.registry.mark_superseded(device, epoch);
    } else {
        let replaced = ClusterNotification::Replaced(device.clone(), epoch);
        // If it is lost, a connection stays open that no command reaches. Its device has a
        // newer one.
        let _ = cluster.backplane.send(owner, encode(&replaced));
    }
}

/// Removes the directory entry of a connection that ended.
pub(super) fn unregister(cluster: &ClusterContext, device: DeviceId, epoch: Epoch) {
    match cluster.slot_owner(&device) {
        // Without a view no node has an entry of this one.
        SlotOwner::Unknown => {}
        SlotOwner::Local => unregister_own(cluster, &device, epoch),
        SlotOwner::Remote(_) => {
            let update = DirectoryUpdate::Unregister { device, epoch };
            if let Err(mpsc::error::TrySendError::Full(update)) =
                cluster.directory_updates.try_send(update)
            {
                // Many sockets closed at once. A task waits for room, because a dropped
                // update would leave a stale entry.
                let updates = cluster.directory_updates.clone();
                tokio::spawn(async move { updates.send(update).await });
            }
        }
    }
}

fn unregister_own(cluster: &ClusterContext, device: &DeviceId, epoch: Epoch) {
    let mut directory = cluster.directory.lock();
    directory.unregister(&cluster.me, device, epoch);
}

/// Removes the entry of a connection that ended while it was being registered. If the
/// node has another connection of the device, that one takes the entry over: without an
/// entry no command would find the device.
pub(super) fn reassign_entry(cluster: &ClusterContext, ended: &Arc<Session>, epoch: Epoch) {
    match cluster.sessions.registry.get(&ended.device) {
        Some(other) if !Arc::ptr_eq(&other, ended) => other.set_epoch(epoch),
        _ => unregister(cluster, ended.device.clone(), epoch),
    }
}

/// Runs the client for as long as the node.
pub(crate) async fn run(
    cluster: Arc<ClusterContext>,
    mut update_rx: mpsc::Receiver<DirectoryUpdate>,
) {
    let mut updates = Vec::new();
    let mut unsent = Vec::new();
    let mut sent: Option<Instant> = None;
    loop {
        let received = tokio::select! {
            received = update_rx.recv_many(&mut updates, BATCH_SIZE) => received,
            () = sleep(RESEND_INTERVAL), if !unsent.is_empty() => {
                resend(&cluster, &mut unsent);
                continue;
            }
        };
        if received == 0 {
            return;
        }
        if updates.len() < BATCH_SIZE {
            if sent.is_some_and(|sent| sent.elapsed() < BATCH_INTERVAL) {
                sleep(until_next_batch()).await;
            }
            // After a stall, other tasks run first: a client that has disconnected meanwhile
            // drops its registration before it is sent.
            yield_now().await;
            while updates.len() < BATCH_SIZE
                && let Ok(update) = update_rx.try_recv()
            {
                updates.push(update);
            }
        }
        send_updates(&cluster, updates.drain(..), &mut unsent);
        sent = Some(Instant::now());
    }
}

/// Sends unregistrations again once there is a backplane. Epochs make a repeat harmless.
fn resend(cluster: &Arc<ClusterContext>, unsent: &mut Vec<(DeviceId, Epoch)>) {
    if !cluster.is_connected() {
        return;
    }
    let again = std::mem::take(unsent);
    for batch in again.chunks(BATCH_SIZE) {
        let update = |(device, epoch): &(DeviceId, Epoch)| DirectoryUpdate::Unregister {
            device: device.clone(),
            epoch: *epoch,
        };
        send_updates(cluster, batch.iter().map(update), unsent);
    }
}

/// Returns the time until the next batch is due.
///
/// Batches are due at the same instants on all nodes of a machine. Their messages then meet at
/// the broker and at the slot owners, which wake once for many of them.
fn until_next_batch() -> Duration {
    // An error would mean that the machine has no clock; the batch then waits for its whole time.
    let clock = ClockId::CLOCK_MONOTONIC.now().map(Duration::from);
    let interval = BATCH_INTERVAL.as_nanos();
    let into = clock.map_or(0, |clock| clock.as_nanos() % interval);
    Duration::from_nanos((interval - into) as u64)
}

/// Sends the updates in their order. Tasks of their own wait for the answers. Adds the
/// unregistrations that cannot be sent now to `unsent`.
fn send_updates(
    cluster: &Arc<ClusterContext>,
    updates: impl Iterator<Item = DirectoryUpdate>,
    unsent: &mut Vec<(DeviceId, Epoch)>,
) {
    let mut batches: BTreeMap<NodeId, DirectoryBatch> = BTreeMap::new();
    for update in updates {
        // The client has disconnected. Registered now, its connection would replace the one
        // that the device has opened elsewhere since.
        if matches!(&update, DirectoryUpdate::Register { result_tx, .. } if result_tx.is_closed()) {
            continue;
        }
        let device = match &update {
            DirectoryUpdate::Register { session, .. } => &session.device,
            DirectoryUpdate::Unregister { device, .. } => device,
        };
        match cluster.slot_owner(device) {
            SlotOwner::Remote(owner) => batches.entry(owner).or_default().push(update),
            // The slot moved to this node while the update was queued.
            SlotOwner::Local => match update {
                DirectoryUpdate::Register { session, result_tx } => {
                    let sent = SentRegistration::of(cluster, &session);
                    let result = register_own(cluster, &session);
                    let result = confirm(cluster, &sent, &SlotOwner::Local, result);
                    complete_registration(cluster, &session, result_tx, result);
                }
                DirectoryUpdate::Unregister { device, epoch } => {
                    unregister_own(cluster, &device, epoch);
                }
            },
            SlotOwner::Unknown => {}
        }
    }
    for (owner, batch) in batches {
        unsent.extend(batch.send(cluster, &owner));
    }
    unsent.truncate(MAX_UNSENT);
}

/// The updates of one message to one slot owner. A device that disconnects and
/// reconnects may change its order here: epochs tell its connections apart.
#[derive(Default)]
struct DirectoryBatch {
    unregistrations: Vec<(DeviceId, Epoch)>,
    registrations: Vec<(Arc<Session>, oneshot::Sender<RegistrationResult>)>,
}

impl DirectoryBatch {
    fn push(&mut self, update: DirectoryUpdate) {
        match update {
            DirectoryUpdate::Register { session, result_tx } => {
                self.registrations.push((session, result_tx));
            }
            DirectoryUpdate::Unregister { device, epoch } => {
                self.unregistrations.push((device, epoch));
            }
        }
    }

    /// Sends both kinds, and returns the unregistrations that cannot be sent now.
    fn send(self, cluster: &Arc<ClusterContext>, owner: &NodeId) -> Vec<(DeviceId, Epoch)> {
        let unsent = send_unregistrations(cluster, owner, self.unregistrations);
        send_registrations(cluster, owner, self.registrations);
        unsent
    }
}

/// Sends unregistrations, and returns them if that is not possible now.
fn send_unregistrations(
    cluster: &ClusterContext,
    owner: &NodeId,
    unregistrations: Vec<(DeviceId, Epoch)>,
) -> Vec<(DeviceId, Epoch)> {
    if unregistrations.is_empty() {
        return unregistrations;
    }
    let message = encode(&ClusterNotification::Unregister(unregistrations.clone()));
    match cluster.backplane.send(owner, message) {
        // A broker that hangs for a while changes no view, and no slot owner asks afterwards.
        Err(SendError::Disconnected | SendError::Full) => unregistrations,
        // A message that is lost on its way leaves a stale entry until the device returns or a
        // member changes. A command that follows it gets "not connected" from this node.
        _ => Vec::new(),
    }
}

/// Sends registrations. A task waits for their answers.
fn send_registrations(
    cluster: &Arc<ClusterContext>,
    owner: &NodeId,
    registrations: Vec<(Arc<Session>, oneshot::Sender<RegistrationResult>)>,
) {
    if registrations.is_empty() {
        return;
    }
    let registrations: Vec<_> = registrations
        .into_iter()
        .map(|(session, result_tx)| (SentRegistration::of(cluster, &session), result_tx))
        .collect();
    let entries = registrations
        .iter()
        .map(|(sent, _)| (sent.session.device.clone(), sent.session.epoch()))
        .collect();
    let request = ClusterRequest::Register(entries);
    // Queued here and awaited in the task, so that batches keep their order.
    let response = cluster.request(owner, &request, Instant::now() + CONFIRM_TIMEOUT);
    let cluster = Arc::clone(cluster);
    let owner = SlotOwner::Remote(owner.clone());
    tokio::spawn(async move {
        // Without an answer the senders are dropped here, and each device tries again.
        let Ok(ClusterResponse::Registered(results)) = response.await else {
            return;
        };
        for ((sent, result_tx), result) in registrations.into_iter().zip(results) {
            let result = confirm(&cluster, &sent, &owner, result);
            complete_registration(&cluster, &sent.session, result_tx, result);
        }
    });
}

/// Passes the slot owner's answer on. If the client has disconnected meanwhile, its
/// entry is removed again.
fn complete_registration(
    cluster: &ClusterContext,
    session: &Arc<Session>,
    result_tx: oneshot::Sender<RegistrationResult>,
    result: RegistrationResult,
) {
    if let (Err(_), RegistrationResult::Accepted(epoch)) = (result_tx.send(result), result) {
        reassign_entry(cluster, session, epoch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cluster::{fixture, pull_answer, session_end::remove_session},
        message::{DeviceLocation, PullRequest, slot_of},
        net::ws::close::CloseReason,
    };

    #[test]
    fn next_batch_is_due_within_the_interval() {
        for _ in 0..1_000 {
            let wait = until_next_batch();
            assert!(!wait.is_zero() && wait <= BATCH_INTERVAL, "{wait:?}");
        }
    }

    fn is_registered(cluster: &ClusterContext, device: &DeviceId) -> bool {
        matches!(cluster.locate_entry(device), DeviceLocation::OnNode { .. })
    }

    #[tokio::test]
    async fn entry_of_ended_connection_goes_to_connected_one() {
        let cluster = fixture::cluster();
        let device: DeviceId = "d".parse().unwrap();
        let session = || Arc::new(Session::new(device.clone(), 1));
        let (old, new) = (session(), session());
        let complete = |session: &Arc<Session>, is_awaited: bool| {
            let sent = SentRegistration::of(&cluster, session);
            let result = register_own(&cluster, session);
            let result = confirm(&cluster, &sent, &SlotOwner::Local, result);
            let (result_tx, result_rx) = oneshot::channel();
            let awaited = is_awaited.then_some(result_rx);
            complete_registration(&cluster, session, result_tx, result);
            drop(awaited);
        };
        // The client of the old connection left while it was being registered.
        cluster.sessions.registry.insert(&old);
        cluster.sessions.registry.insert(&new);
        complete(&new, true);
        complete(&old, false);
        assert!(is_registered(&cluster, &device), "no entry");
        remove_session(&cluster, &new, CloseReason::ConnectionLost);
        assert!(!is_registered(&cluster, &device), "entry left behind");
        // Without another connection the entry is removed.
        complete(&old, false);
        assert!(!is_registered(&cluster, &device), "entry left behind");
    }

    #[tokio::test]
    async fn registration_at_a_former_slot_owner_is_repeated() {
        let cluster = fixture::cluster();
        let session = Arc::new(Session::new("d".parse().unwrap(), 1));
        let sent = SentRegistration::of(&cluster, &session);
        let accepted = RegistrationResult::Accepted(Epoch::new(1, 1));
        let former = SlotOwner::Remote(fixture::id("former"));
        let result = confirm(&cluster, &sent, &former, accepted);
        assert_eq!(result, RegistrationResult::NotSlotOwner);
        assert!(
            session.epoch().is_some(),
            "not listed for the new slot owner"
        );
        let result = confirm(&cluster, &sent, &SlotOwner::Local, accepted);
        assert_eq!(result, accepted);
    }

    #[tokio::test]
    async fn registration_that_a_listing_left_out_is_repeated_once() {
        let cluster = fixture::cluster();
        let session = Arc::new(Session::new("d".parse().unwrap(), 1));
        cluster.sessions.registry.insert(&session);
        let accepted = RegistrationResult::Accepted(Epoch::new(1, 1));
        let request = || PullRequest {
            version: 1,
            slots: vec![(slot_of(&session.device), 7)],
            after: None,
        };
        let listed = || {
            let answer = pull_answer::answer(&cluster, request());
            answer
                .listed
                .iter()
                .map(|slot| slot.connections.len())
                .sum::<usize>()
        };
        let first = SentRegistration::of(&cluster, &session);
        assert_eq!(listed(), 0, "it has no epoch yet");
        let result = confirm(&cluster, &first, &SlotOwner::Local, accepted);
        assert_eq!(result, RegistrationResult::NotSlotOwner);
        let second = SentRegistration::of(&cluster, &session);
        assert_eq!(listed(), 1);
        let result = confirm(&cluster, &second, &SlotOwner::Local, accepted);
        assert_eq!(result, accepted);
    }
}
