//! The workers of a run and their messages.

use std::{collections::BTreeMap, mem, time::Duration};

use futures_util::future::join_all;
use highwater_scenarios::{Plan, Segment};
use tokio::{sync::mpsc, time::timeout};

use super::registration::ReadyWorker;
use crate::control::{FromWorker, LinkError, LinkReader, LinkWriter, ToWorker};

/// Longest time that a worker may take to accept a message.
const SEND_TIMEOUT: Duration = Duration::from_secs(2);
/// Messages of all workers that wait to be handled. Each may have a megabyte.
const MESSAGE_QUEUE_LEN: usize = 256;

/// The workers of a run.
pub struct WorkerPool {
    workers: BTreeMap<String, WorkerHandle>,
    messages: mpsc::Receiver<(String, WorkerMessage)>,
}

/// A message of a worker, or the reason why its link ended.
pub type WorkerMessage = Result<FromWorker, LinkError>;

/// The coordinator's handle of a worker.
struct WorkerHandle {
    segment: Segment,
    writer: LinkWriter<ToWorker>,
    /// Whether the worker has neither finished nor been lost.
    is_working: bool,
    ramp_resolved: u64,
}

impl WorkerPool {
    /// Starts to receive the messages of all workers.
    pub fn new(ready: Vec<ReadyWorker>) -> Self {
        let (sender, messages) = mpsc::channel(MESSAGE_QUEUE_LEN);
        let workers = ready
            .into_iter()
            .map(|worker| {
                // A task per worker. The queue is bounded: if the run's task falls
                // behind, the links fill up and the workers merge their intervals.
                tokio::spawn(forward_messages(
                    worker.id.clone(),
                    worker.link.reader,
                    sender.clone(),
                ));
                let handle = WorkerHandle {
                    segment: worker.segment,
                    writer: worker.link.writer,
                    is_working: true,
                    ramp_resolved: 0,
                };
                (worker.id, handle)
            })
            .collect();
        Self { workers, messages }
    }

    /// Receives the next message of any worker. Pends forever once all links have ended.
    pub async fn recv(&mut self) -> (String, WorkerMessage) {
        match self.messages.recv().await {
            Some(message) => message,
            // The run's loop ends by its count of working workers, not by this channel.
            None => std::future::pending().await,
        }
    }

    /// Sends `message` to all working workers at the same time, because one that takes
    /// nothing must not delay the others. Returns the ids of those that did not take it.
    pub async fn broadcast(&mut self, message: &ToWorker) -> Vec<String> {
        let handles = self.workers.iter_mut();
        let working = handles.filter(|(_, handle)| handle.is_working);
        let sends = working.map(|(id, handle)| async move {
            let sent = timeout(SEND_TIMEOUT, handle.writer.send(message)).await;
            (!matches!(sent, Ok(Ok(())))).then(|| id.clone())
        });
        join_all(sends).await.into_iter().flatten().collect()
    }

    /// Returns the sockets of `plan` of the worker that has most.
    pub fn max_sockets_per_worker(&self, plan: &Plan) -> u64 {
        let handles = self.workers.values();
        let sockets = handles.map(|handle| plan.sockets_of(handle.segment));
        sockets.max().unwrap_or(0)
    }

    /// Sets how many sockets of the ramp's pools a worker has opened or failed to open.
    pub fn set_ramp_resolved(&mut self, id: &str, ramp_resolved: u64) {
        if let Some(handle) = self.workers.get_mut(id) {
            handle.ramp_resolved = ramp_resolved;
        }
    }

    /// Whether all working workers have opened, or failed to open, their sockets of the
    /// ramp's pools in `plan`.
    pub fn ramp_is_over(&self, plan: &Plan) -> bool {
        // A lost worker's sockets never open: the ramp does not wait for them.
        let mut working = self.workers.values().filter(|handle| handle.is_working);
        working.all(|handle| handle.ramp_resolved >= plan.ramp_sockets_of(handle.segment))
    }

    /// Marks a worker as done or lost. Returns `false` if it had ended before.
    pub fn mark_ended(&mut self, id: &str) -> bool {
        // The first end counts: the link of a worker that is done ends in order.
        self.workers
            .get_mut(id)
            .is_some_and(|handle| mem::replace(&mut handle.is_working, false))
    }

    /// Returns the ids of the workers that have not ended.
    pub fn working_ids(&self) -> Vec<String> {
        let working = self.workers.iter().filter(|(_, handle)| handle.is_working);
        working.map(|(id, _)| id.clone()).collect()
    }
}

async fn forward_messages(
    id: String,
    mut reader: LinkReader<FromWorker>,
    sender: mpsc::Sender<(String, WorkerMessage)>,
) {
    loop {
        let mut message = reader.receive().await;
        if let Ok(FromWorker::Interval(interval)) = &mut message {
            // Before the queue, so that what is left out takes no memory there.
            interval.enforce_limits();
        }
        // Done, an error, and a message out of order each end the worker's part.
        let last = !matches!(
            message,
            Ok(FromWorker::Interval(_) | FromWorker::UnacceptedTelemetry(_))
        );
        // The send fails when the run has ended: nothing reads messages any more.
        if sender.send((id.clone(), message)).await.is_err() || last {
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

    type WorkerEnd = ControlLink<FromWorker, ToWorker>;

    /// Returns a worker and its own end of the link, whose buffers hold almost nothing.
    async fn worker(index: u32) -> (ReadyWorker, WorkerEnd) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let connecting = socket.connect(listener.local_addr().unwrap());
        let (worker, coordinator) = tokio::join!(connecting, listener.accept());
        let coordinator: TcpStream = coordinator.unwrap().0;
        setsockopt(&coordinator, sockopt::SndBuf, &4_096).unwrap();
        let ready = ReadyWorker {
            id: format!("w{}", index + 1),
            segment: Segment::new(index, 2).unwrap(),
            link: ControlLink::new(coordinator).unwrap(),
        };
        (ready, ControlLink::new(worker.unwrap()).unwrap())
    }

    /// Returns a message that is longer than the buffers.
    fn long_message() -> ToWorker {
        ToWorker::Rejected {
            reason: "x".repeat(1 << 20),
        }
    }

    #[tokio::test]
    async fn worker_that_takes_nothing_delays_no_other() {
        let (first, _blocked) = worker(0).await;
        let (second, mut reachable) = worker(1).await;
        let mut pool = WorkerPool::new(vec![first, second]);
        let long = long_message();
        tokio::select! {
            // Biased: a broadcast that has ended must not go unseen.
            biased;
            blocked = pool.broadcast(&long) => panic!("all waited for {blocked:?}"),
            received = reachable.reader.receive() => assert_eq!(received.unwrap(), long),
        }
    }

    #[tokio::test]
    async fn broadcast_names_the_unreachable_worker() {
        let (first, closed) = worker(0).await;
        let (second, mut reachable) = worker(1).await;
        let mut pool = WorkerPool::new(vec![first, second]);
        drop(closed);
        let long = long_message();
        let (unreachable, received) =
            tokio::join!(pool.broadcast(&long), reachable.reader.receive());
        assert_eq!(unreachable, ["w1"]);
        assert_eq!(received.unwrap(), long);
    }
}
