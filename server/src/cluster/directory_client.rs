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

use super::{
    directory_partition::Displaced,
    epoch::Epoch,
    message::{Answer, Note, Question, Verdict, decode, encode},
    state::HomeOf,
};
use crate::{
    id::{DeviceId, NodeId},
    node::Node,
    session::Session,
};

/// Entries of one message.
pub(crate) const BATCH: usize = 256;
/// How long the first entry waits for company.
const LINGER: Duration = Duration::from_millis(2);
/// How long a home may take to confirm a batch.
pub(crate) const CONFIRM: Duration = Duration::from_secs(2);
/// Before the second attempt, while the members change; twice as long before each
/// that follows, so that many that cannot get through leave room for each other.
const FIRST_RETRY: Duration = Duration::from_millis(20);
/// The longest of these waits.
const LAST_RETRY: Duration = Duration::from_millis(320);

/// What the registrar is asked to tell.
pub(crate) enum Job {
    /// A new connection; `done` gets the home's word, or is dropped when none came.
    Register {
        session: Arc<Session>,
        done: oneshot::Sender<Verdict>,
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
    let mut retry = FIRST_RETRY;
    loop {
        let verdict = match timeout_at(deadline, try_register(node, session)).await {
            Ok(verdict) => verdict,
            Err(_) => return Err(RegisterError::Timeout),
        };
        match verdict {
            Some(Verdict::Accepted(epoch)) => {
                session.set_epoch(epoch);
                return Ok(());
            }
            Some(Verdict::Superseded) => return Err(RegisterError::Superseded),
            Some(Verdict::NotHome) | None => {
                let wait = retry.mul_f64(rand::random_range(0.5..1.0));
                retry = (retry * 2).min(LAST_RETRY);
                if Instant::now() + wait >= deadline {
                    return Err(RegisterError::Timeout);
                }
                sleep(wait).await;
            }
        }
    }
}

async fn try_register(node: &Arc<Node>, session: &Arc<Session>) -> Option<Verdict> {
    match node.cluster.home_of(&session.device) {
        HomeOf::Unknown => None,
        HomeOf::Here => {
            let me = node.cluster.me.clone();
            Some(register_here(node, &me, &session.device, session.epoch()))
        }
        HomeOf::There(_) => {
            let (done, verdict) = oneshot::channel();
            let job = Job::Register {
                session: Arc::clone(session),
                done,
            };
            node.cluster.jobs.send(job).await.ok()?;
            verdict.await.ok()
        }
    }
}

/// A registration at this home, by whichever node. Who is displaced is told.
pub(crate) fn register_here(
    node: &Node,
    from: &NodeId,
    device: &DeviceId,
    known: Option<Epoch>,
) -> Verdict {
    let (verdict, displaced) = node.cluster.home().register(from, device, known);
    if let Some(Displaced { owner, epoch }) = displaced {
        if owner == node.cluster.me {
            node.superseded(device, epoch);
        } else {
            let note = Note::Replaced(device.clone(), epoch);
            // Lost, the note leaves a connection that no command reaches; its device
            // has a newer one.
            let _ = node.cluster.backplane.send(&owner, encode(&note));
        }
    }
    verdict
}

/// Tells the home that a connection ended.
pub(crate) fn unregister(node: &Node, device: DeviceId, epoch: Epoch) {
    match node.cluster.home_of(&device) {
        HomeOf::Unknown => {}
        HomeOf::Here => node
            .cluster
            .home()
            .unregister(&node.cluster.me, &device, epoch),
        HomeOf::There(_) => {
            let job = Job::Unregister { device, epoch };
            if let Err(mpsc::error::TrySendError::Full(job)) = node.cluster.jobs.try_send(job) {
                // Many sockets closed at once: wait in line rather than leave a
                // stale entry behind.
                let jobs = node.cluster.jobs.clone();
                tokio::spawn(async move { jobs.send(job).await });
            }
        }
    }
}

/// Takes back the entry of a connection that ended while it was being registered.
/// When another one of the device is here, the entry is its own from now on: without
/// it nobody would find the device.
pub(crate) fn take_back(node: &Node, ended: &Arc<Session>, epoch: Epoch) {
    match node.registry.get(&ended.device) {
        Some(other) if !Arc::ptr_eq(&other, ended) => other.set_epoch(epoch),
        _ => unregister(node, ended.device.clone(), epoch),
    }
}

/// The registrar: runs as long as the node.
pub(crate) async fn run(node: Arc<Node>, mut queue: mpsc::Receiver<Job>) {
    let mut jobs = Vec::new();
    while queue.recv_many(&mut jobs, BATCH).await > 0 {
        if jobs.len() < BATCH {
            sleep(LINGER).await;
            // After a stall: who has gone meanwhile takes its registration with it.
            yield_now().await;
            while jobs.len() < BATCH
                && let Ok(job) = queue.try_recv()
            {
                jobs.push(job);
            }
        }
        tell(&node, jobs.drain(..));
    }
}

/// Sends the jobs in their order; replies are awaited elsewhere.
fn tell(node: &Arc<Node>, jobs: impl Iterator<Item = Job>) {
    let mut homes: BTreeMap<NodeId, Batch> = BTreeMap::new();
    for job in jobs {
        // Nobody waits for it any more. Told of now, it would replace the connection
        // that the device has elsewhere since.
        if matches!(&job, Job::Register { done, .. } if done.is_closed()) {
            continue;
        }
        let device = match &job {
            Job::Register { session, .. } => &session.device,
            Job::Unregister { device, .. } => device,
        };
        match node.cluster.home_of(device) {
            HomeOf::There(home) => homes.entry(home).or_default().push(job),
            // Since it was queued, the home moved here.
            HomeOf::Here => tell_here(node, job),
            HomeOf::Unknown => {}
        }
    }
    for (home, batch) in homes {
        batch.send(node, &home);
    }
}

fn tell_here(node: &Node, job: Job) {
    let me = &node.cluster.me;
    match job {
        Job::Register { session, done } => {
            let verdict = register_here(node, me, &session.device, session.epoch());
            let _ = done.send(verdict);
        }
        Job::Unregister { device, epoch } => {
            node.cluster.home().unregister(me, &device, epoch);
        }
    }
}

/// What one home is told at once. A device that ends and comes again, or the
/// other way round, keeps its order: epochs tell its connections apart.
#[derive(Default)]
struct Batch {
    ended: Vec<(DeviceId, Epoch)>,
    came: VecDeque<(Arc<Session>, oneshot::Sender<Verdict>)>,
}

impl Batch {
    fn push(&mut self, job: Job) {
        match job {
            Job::Register { session, done } => self.came.push_back((session, done)),
            Job::Unregister { device, epoch } => self.ended.push((device, epoch)),
        }
    }

    fn send(self, node: &Arc<Node>, home: &NodeId) {
        let backplane = &node.cluster.backplane;
        if !self.ended.is_empty() {
            // Lost, the note leaves a stale entry until the device or this node
            // comes or goes; a command to it is answered "not connected" here.
            let _ = backplane.send(home, encode(&Note::Unregister(self.ended)));
        }
        if self.came.is_empty() {
            return;
        }
        let entry = |session: &Arc<Session>| (session.device.clone(), session.epoch());
        let entries = self
            .came
            .iter()
            .map(|(session, _)| entry(session))
            .collect();
        let question = encode(&Question::Register(entries));
        let answer = backplane.request(home, question, Instant::now() + CONFIRM);
        let (node, came) = (Arc::clone(node), self.came);
        tokio::spawn(async move {
            let Ok(Some(Answer::Registered(verdicts))) = answer.await.map(|a| decode(&a)) else {
                return;
            };
            for ((session, done), verdict) in came.into_iter().zip(verdicts) {
                conclude(&node, session, done, verdict);
            }
        });
    }
}

/// Passes the home's word on. When nobody waits for it any more (the client went
/// away meanwhile), the entry is taken back.
fn conclude(node: &Node, session: Arc<Session>, done: oneshot::Sender<Verdict>, verdict: Verdict) {
    if let (Err(_), Verdict::Accepted(epoch)) = (done.send(verdict), verdict) {
        take_back(node, &session, epoch);
    }
}
