//! Tells the homes which devices came and went, in batches.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    task::yield_now,
    time::{Instant, sleep, timeout_at},
};

use super::{directory_partition::ReplacedConnection, state::SlotOwner};
use crate::{
    id::{DeviceId, NodeId},
    message::{
        ClusterNotification, ClusterRequest, ClusterResponse, Epoch, RegistrationResult, decode,
        encode,
    },
    node::Node,
    session::Session,
};

/// Entries of one message.
pub(crate) const BATCH_SIZE: usize = 256;
/// How long the first entry waits for company.
const LINGER: Duration = Duration::from_millis(2);
/// How long a home may take to confirm a batch.
pub(crate) const CONFIRM_TIMEOUT: Duration = Duration::from_secs(2);
/// Before the second attempt, while the members change; twice as long before each
/// that follows, so that many that cannot get through leave room for each other.
const INITIAL_RETRY_DELAY: Duration = Duration::from_millis(20);
/// The longest of these waits.
const MAX_RETRY_DELAY: Duration = Duration::from_millis(320);

/// What the registrar is asked to tell.
pub(crate) enum DirectoryUpdate {
    /// A new connection; `done` gets the home's word, or is dropped when none came.
    Register {
        session: Arc<Session>,
        result_tx: oneshot::Sender<RegistrationResult>,
    },
    /// A connection that ended.
    Unregister { device: DeviceId, epoch: Epoch },
}

/// Why a device could not be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RegisterError {
    #[error("the owner directory did not confirm the device in time")]
    Timeout,
    #[error("a newer connection of the device exists")]
    Superseded,
}

/// Registers a new connection at its home; retries until `deadline`, since
/// members may be changing.
pub(crate) async fn register(
    node: &Arc<Node>,
    session: &Arc<Session>,
    deadline: Instant,
) -> Result<(), RegisterError> {
    let mut retry = INITIAL_RETRY_DELAY;
    loop {
        let verdict = match timeout_at(deadline, try_register(node, session)).await {
            Ok(verdict) => verdict,
            Err(_) => return Err(RegisterError::Timeout),
        };
        match verdict {
            Some(RegistrationResult::Accepted(epoch)) => {
                session.set_epoch(epoch);
                return Ok(());
            }
            Some(RegistrationResult::Superseded) => return Err(RegisterError::Superseded),
            Some(RegistrationResult::NotSlotOwner) | None => {
                let wait = retry.mul_f64(rand::random_range(0.5..1.0));
                retry = (retry * 2).min(MAX_RETRY_DELAY);
                if Instant::now() + wait >= deadline {
                    return Err(RegisterError::Timeout);
                }
                sleep(wait).await;
            }
        }
    }
}

async fn try_register(node: &Arc<Node>, session: &Arc<Session>) -> Option<RegistrationResult> {
    match node.cluster.slot_owner(&session.device) {
        SlotOwner::Unknown => None,
        SlotOwner::Local => {
            let me = node.cluster.me.clone();
            Some(register_local(node, &me, &session.device, session.epoch()))
        }
        SlotOwner::Remote(_) => {
            let (done, verdict) = oneshot::channel();
            let job = DirectoryUpdate::Register {
                session: Arc::clone(session),
                result_tx: done,
            };
            node.cluster.directory_updates.send(job).await.ok()?;
            verdict.await.ok()
        }
    }
}

/// A registration at this home, by whichever node. Who is displaced is told.
pub(crate) fn register_local(
    node: &Node,
    from: &NodeId,
    device: &DeviceId,
    known: Option<Epoch>,
) -> RegistrationResult {
    let (verdict, displaced) = node.cluster.directory().register(from, device, known);
    if let Some(ReplacedConnection { owner, epoch }) = displaced {
        if owner == node.cluster.me {
            node.mark_superseded(device, epoch);
        } else {
            let note = ClusterNotification::Replaced(device.clone(), epoch);
            // Lost, the note leaves a connection that no command reaches; its device
            // has a newer one.
            let _ = node.cluster.backplane.send(&owner, encode(&note));
        }
    }
    verdict
}

/// Tells the home that a connection ended.
pub(crate) fn unregister(node: &Node, device: DeviceId, epoch: Epoch) {
    match node.cluster.slot_owner(&device) {
        SlotOwner::Unknown => {}
        SlotOwner::Local => node
            .cluster
            .directory()
            .unregister(&node.cluster.me, &device, epoch),
        SlotOwner::Remote(_) => {
            let job = DirectoryUpdate::Unregister { device, epoch };
            if let Err(mpsc::error::TrySendError::Full(job)) =
                node.cluster.directory_updates.try_send(job)
            {
                // Many sockets closed at once: wait in line rather than leave a
                // stale entry behind.
                let jobs = node.cluster.directory_updates.clone();
                tokio::spawn(async move { jobs.send(job).await });
            }
        }
    }
}

/// Takes back the entry of a connection that ended while it was being registered.
/// When another one of the device is here, the entry is its own from now on: without
/// it nobody would find the device.
pub(crate) fn reassign_entry(node: &Node, ended: &Arc<Session>, epoch: Epoch) {
    match node.registry.get(&ended.device) {
        Some(other) if !Arc::ptr_eq(&other, ended) => other.set_epoch(epoch),
        _ => unregister(node, ended.device.clone(), epoch),
    }
}

/// The registrar: runs as long as the node.
pub(crate) async fn run(node: Arc<Node>, mut updates: mpsc::Receiver<DirectoryUpdate>) {
    let mut jobs = Vec::new();
    while updates.recv_many(&mut jobs, BATCH_SIZE).await > 0 {
        if jobs.len() < BATCH_SIZE {
            sleep(LINGER).await;
            // After a stall: who has gone meanwhile takes its registration with it.
            yield_now().await;
            while jobs.len() < BATCH_SIZE
                && let Ok(job) = updates.try_recv()
            {
                jobs.push(job);
            }
        }
        send_updates(&node, jobs.drain(..));
    }
}

/// Sends the jobs in their order; replies are awaited elsewhere.
fn send_updates(node: &Arc<Node>, jobs: impl Iterator<Item = DirectoryUpdate>) {
    let mut homes: BTreeMap<NodeId, DirectoryBatch> = BTreeMap::new();
    for job in jobs {
        // Nobody waits for it any more. Told of now, it would replace the connection
        // that the device has elsewhere since.
        if matches!(&job, DirectoryUpdate::Register { result_tx, .. } if result_tx.is_closed()) {
            continue;
        }
        let device = match &job {
            DirectoryUpdate::Register { session, .. } => &session.device,
            DirectoryUpdate::Unregister { device, .. } => device,
        };
        match node.cluster.slot_owner(device) {
            SlotOwner::Remote(home) => homes.entry(home).or_default().push(job),
            // Since it was queued, the home moved here.
            SlotOwner::Local => apply_local(node, job),
            SlotOwner::Unknown => {}
        }
    }
    for (home, batch) in homes {
        batch.send(node, &home);
    }
}

fn apply_local(node: &Node, job: DirectoryUpdate) {
    let me = &node.cluster.me;
    match job {
        DirectoryUpdate::Register {
            session,
            result_tx: done,
        } => {
            let verdict = register_local(node, me, &session.device, session.epoch());
            let _ = done.send(verdict);
        }
        DirectoryUpdate::Unregister { device, epoch } => {
            node.cluster.directory().unregister(me, &device, epoch);
        }
    }
}

/// What one home is told at once. A device that ends and comes again, or the
/// other way round, keeps its order: epochs tell its connections apart.
#[derive(Default)]
struct DirectoryBatch {
    unregistrations: Vec<(DeviceId, Epoch)>,
    registrations: VecDeque<(Arc<Session>, oneshot::Sender<RegistrationResult>)>,
}

impl DirectoryBatch {
    fn push(&mut self, job: DirectoryUpdate) {
        match job {
            DirectoryUpdate::Register {
                session,
                result_tx: done,
            } => self.registrations.push_back((session, done)),
            DirectoryUpdate::Unregister { device, epoch } => {
                self.unregistrations.push((device, epoch))
            }
        }
    }

    fn send(self, node: &Arc<Node>, home: &NodeId) {
        let backplane = &node.cluster.backplane;
        if !self.unregistrations.is_empty() {
            // Lost, the note leaves a stale entry until the device or this node
            // comes or goes; a command to it is answered "not connected" here.
            let _ = backplane.send(
                home,
                encode(&ClusterNotification::Unregister(self.unregistrations)),
            );
        }
        if self.registrations.is_empty() {
            return;
        }
        let entry = |session: &Arc<Session>| (session.device.clone(), session.epoch());
        let entries = self
            .registrations
            .iter()
            .map(|(session, _)| entry(session))
            .collect();
        let question = encode(&ClusterRequest::Register(entries));
        let answer = backplane.request(home, question, Instant::now() + CONFIRM_TIMEOUT);
        let (node, came) = (Arc::clone(node), self.registrations);
        tokio::spawn(async move {
            let Ok(Some(ClusterResponse::Registered(verdicts))) = answer.await.map(|a| decode(&a))
            else {
                return;
            };
            for ((session, done), verdict) in came.into_iter().zip(verdicts) {
                complete_registration(&node, session, done, verdict);
            }
        });
    }
}

/// Passes the home's word on. When nobody waits for it any more (the client went
/// away meanwhile), the entry is taken back.
fn complete_registration(
    node: &Node,
    session: Arc<Session>,
    done: oneshot::Sender<RegistrationResult>,
    verdict: RegistrationResult,
) {
    if let (Err(_), RegistrationResult::Accepted(epoch)) = (done.send(verdict), verdict) {
        reassign_entry(node, &session, epoch);
    }
}
