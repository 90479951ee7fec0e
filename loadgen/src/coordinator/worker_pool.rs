//! The workers while they work.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use highwater_scenarios::{Plan, Segment};
use tokio::{sync::mpsc, time::timeout};

use super::registration::ReadyWorker;
use crate::control::{
    FromWorker, LinkReader, LinkWriter, ToWorker, UnacceptedTelemetry, WorkerInterval,
};
use crate::error_chain::error_chain;

/// How long a worker's machine may take to accept a message.
const SEND_TIMEOUT: Duration = Duration::from_secs(2);
/// Messages of all workers that wait to be looked at.
const MESSAGE_QUEUE_LEN: usize = 1024;

/// The workers of a run.
pub struct WorkerPool {
    workers: BTreeMap<String, WorkerHandle>,
    messages: mpsc::Receiver<(String, WorkerMessage)>,
}

/// What came from a worker.
pub enum WorkerMessage {
    /// What it counted.
    Interval(WorkerInterval),
    /// Readings of its devices that were not accepted.
    UnacceptedTelemetry(Vec<UnacceptedTelemetry>),
    /// Its work is done.
    Done,
    /// Its link has ended, or it broke the protocol.
    Disconnected(String),
}

struct WorkerHandle {
    segment: Segment,
    writer: LinkWriter<ToWorker>,
    state: WorkerState,
    ramp_resolved: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum WorkerState {
    Working,
    Done,
    Lost,
}

impl WorkerPool {
    /// Starts to listen to everybody.
    pub fn new(ready: Vec<ReadyWorker>) -> Self {
        let (tell, messages) = mpsc::channel(MESSAGE_QUEUE_LEN);
        let workers = ready
            .into_iter()
            .map(|worker| {
                tokio::spawn(forward_messages(
                    worker.id.clone(),
                    worker.link.reader,
                    tell.clone(),
                ));
                let member = WorkerHandle {
                    segment: worker.segment,
                    writer: worker.link.writer,
                    state: WorkerState::Working,
                    ramp_resolved: 0,
                };
                (worker.id, member)
            })
            .collect();
        Self { workers, messages }
    }

    /// What comes next from anybody; pends when nobody is left to speak.
    pub async fn recv(&mut self) -> (String, WorkerMessage) {
        match self.messages.recv().await {
            Some(told) => told,
            None => std::future::pending().await,
        }
    }

    /// Tells everybody who still works, all at once: one that takes nothing must not
    /// make the others late. Those who cannot be reached are named.
    pub async fn broadcast(&mut self, message: &ToWorker) -> Vec<String> {
        let members = self.workers.iter_mut();
        let working = members.filter(|(_, member)| member.state == WorkerState::Working);
        let told = working.map(|(id, member)| async move {
            let sent = timeout(SEND_TIMEOUT, member.writer.send(message)).await;
            (!matches!(sent, Ok(Ok(())))).then(|| id.clone())
        });
        join_all(told).await.into_iter().flatten().collect()
    }

    /// The most sockets of `plan` that one of them has.
    pub fn max_sockets_per_worker(&self, plan: &Plan) -> u64 {
        let shares = self.workers.values();
        let sockets = shares.map(|member| plan.sockets_of(member.segment));
        sockets.max().unwrap_or(0)
    }

    /// A worker has resolved so many of its ramp's sockets by now.
    pub fn set_ramp_resolved(&mut self, id: &str, ramp_resolved: u64) {
        if let Some(member) = self.workers.get_mut(id) {
            member.ramp_resolved = ramp_resolved;
        }
    }

    /// Whether every socket of the ramp that a working worker has to open has
    /// opened or failed.
    pub fn ramp_is_over(&self, ramp_pools: impl Fn(Segment) -> u64) -> bool {
        self.working_handles()
            .all(|member| member.ramp_resolved >= ramp_pools(member.segment))
    }

    /// A worker is done. `false` if that was known.
    pub fn mark_done(&mut self, id: &str) -> bool {
        self.finish_worker(id, WorkerState::Done)
    }

    /// A worker is lost. `false` if it had ended before.
    pub fn mark_lost(&mut self, id: &str) -> bool {
        self.finish_worker(id, WorkerState::Lost)
    }

    /// The workers that still work.
    pub fn working_ids(&self) -> Vec<String> {
        self.workers
            .iter()
            .filter(|(_, member)| member.state == WorkerState::Working)
            .map(|(id, _)| id.clone())
            .collect()
    }

    fn working_handles(&self) -> impl Iterator<Item = &WorkerHandle> {
        self.workers
            .values()
            .filter(|member| member.state == WorkerState::Working)
    }

    fn finish_worker(&mut self, id: &str, state: WorkerState) -> bool {
        match self.workers.get_mut(id) {
            Some(member) if member.state == WorkerState::Working => {
                member.state = state;
                true
            }
            _ => false,
        }
    }
}

async fn forward_messages(
    id: String,
    mut reader: LinkReader<FromWorker>,
    tell: mpsc::Sender<(String, WorkerMessage)>,
) {
    loop {
        let told = match reader.receive().await {
            Ok(FromWorker::Interval(interval)) => WorkerMessage::Interval(interval),
            Ok(FromWorker::UnacceptedTelemetry(devices)) => {
                WorkerMessage::UnacceptedTelemetry(devices)
            }
            Ok(FromWorker::Done) => WorkerMessage::Done,
            Ok(_) => WorkerMessage::Disconnected("it said something out of turn".to_owned()),
            Err(error) => WorkerMessage::Disconnected(error_chain(&error)),
        };
        let last = !matches!(
            told,
            WorkerMessage::Interval(_) | WorkerMessage::UnacceptedTelemetry(_)
        );
        if tell.send((id.clone(), told)).await.is_err() || last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use nix::sys::socket::{setsockopt, sockopt};
    use tokio::net::{TcpSocket, TcpStream};

    use super::*;
    use crate::control::ControlLink;

    type WorkersEnd = ControlLink<FromWorker, ToWorker>;

    /// A worker, and its own end of the link, which holds next to nothing unread.
    async fn worker(index: u32) -> (ReadyWorker, WorkersEnd) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let connecting = socket.connect(listener.local_addr().unwrap());
        let (there, here) = tokio::join!(connecting, listener.accept());
        let here: TcpStream = here.unwrap().0;
        setsockopt(&here, sockopt::SndBuf, &4_096).unwrap();
        let ready = ReadyWorker {
            id: format!("w{}", index + 1),
            segment: Segment::new(index, 2).unwrap(),
            pid: 0,
            link: ControlLink::new(here).unwrap(),
        };
        (ready, ControlLink::new(there.unwrap()).unwrap())
    }

    #[tokio::test]
    async fn one_that_takes_nothing_makes_nobody_late() {
        let (first, _deaf) = worker(0).await;
        let (second, mut hears) = worker(1).await;
        let mut crew = WorkerPool::new(vec![first, second]);
        let long = ToWorker::Rejected {
            reason: "x".repeat(1 << 20),
        };
        tokio::select! {
            biased;
            deaf = crew.broadcast(&long) => panic!("all had to wait for {deaf:?}"),
            heard = hears.reader.receive() => assert_eq!(heard.unwrap(), long),
        }
    }

    #[tokio::test]
    async fn who_cannot_be_told_is_named() {
        let (first, deaf) = worker(0).await;
        let (second, mut hears) = worker(1).await;
        let mut crew = WorkerPool::new(vec![first, second]);
        drop(deaf);
        let long = ToWorker::Rejected {
            reason: "x".repeat(1 << 20),
        };
        let (deaf, heard) = tokio::join!(crew.broadcast(&long), hears.reader.receive());
        assert_eq!((deaf, heard.unwrap()), (vec!["w1".to_owned()], long));
    }
}
