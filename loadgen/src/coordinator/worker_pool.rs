//! The workers of a run and their messages.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    time::Duration,
};

use futures_util::future::join_all;
use highwater_scenarios::{Plan, Segment};
use tokio::{sync::mpsc, time::timeout};

use super::{
    registration::ReadyWorker,
    remote::{BusLink, Checkpoint},
    worker_event::WorkerEvent,
};
use crate::{
    control::{FromWorker, LinkReader, LinkWriter, ToWorker},
    error_chain::error_chain,
};

/// Longest time that a worker may take to accept a message.
const SEND_TIMEOUT: Duration = Duration::from_secs(2);
/// Messages of all workers that wait to be handled. Each may have a megabyte.
const MESSAGE_QUEUE_LEN: usize = 256;

/// The workers of a run.
pub struct WorkerPool {
    workers: BTreeMap<String, WorkerHandle>,
    link: PoolLink,
}

/// The way to the workers.
enum PoolLink {
    /// A control link to each worker on this machine.
    Local {
        writers: BTreeMap<String, LinkWriter<ToWorker>>,
        messages: mpsc::Receiver<(String, WorkerEvent)>,
    },
    /// The bus. Boxed, because it is much larger.
    Bus(Box<BusLink>),
}

/// The coordinator's handle of a worker.
struct WorkerHandle {
    segment: Segment,
    /// Whether the worker has neither finished nor been lost.
    is_working: bool,
    /// When it fell silent, on the run's clock, while it is.
    silent_since: Option<Duration>,
    ramp_resolved: u64,
}

impl WorkerHandle {
    fn of(segment: Segment) -> Self {
        Self {
            segment,
            is_working: true,
            silent_since: None,
            ramp_resolved: 0,
        }
    }
}

impl WorkerPool {
    /// Starts to receive the messages of local workers.
    pub fn new(ready: Vec<ReadyWorker>) -> Self {
        let (sender, messages) = mpsc::channel(MESSAGE_QUEUE_LEN);
        let mut writers = BTreeMap::new();
        let mut workers = BTreeMap::new();
        for worker in ready {
            // A task per worker. The queue is bounded: if the run's task falls
            // behind, the links fill up and the workers merge their intervals.
            tokio::spawn(forward_messages(
                worker.id.clone(),
                worker.link.reader,
                sender.clone(),
            ));
            writers.insert(worker.id.clone(), worker.link.writer);
            workers.insert(worker.id, WorkerHandle::of(worker.segment));
        }
        let link = PoolLink::Local { writers, messages };
        Self { workers, link }
    }

    /// Creates the pool of `count` workers that joined over the bus. Those that `checkpoint`
    /// names as ended do not work any more.
    pub fn on_bus(link: BusLink, count: u32, checkpoint: &Checkpoint) -> Self {
        let segments = (0..count).filter_map(|index| Segment::new(index, count).ok());
        let workers = segments.map(|segment| {
            let id = format!("w{}", segment.index() + 1);
            let mut handle = WorkerHandle::of(segment);
            handle.is_working = !checkpoint.ended.contains(&id);
            (id, handle)
        });
        Self {
            workers: workers.collect(),
            link: PoolLink::Bus(Box::new(link)),
        }
    }

    /// Receives the next message of any worker. Pends forever once all links have ended.
    pub async fn recv(&mut self) -> (String, WorkerEvent) {
        let messages = match &mut self.link {
            PoolLink::Local { messages, .. } => messages,
            PoolLink::Bus(link) => return link.recv().await,
        };
        match messages.recv().await {
            Some(message) => message,
            // The run's loop ends by its count of working workers, not by this channel.
            None => std::future::pending().await,
        }
    }

    /// Sends `message` to all working workers at the same time, because one that takes
    /// nothing must not delay the others. Returns the ids of those that did not take it.
    pub async fn broadcast(&mut self, message: &ToWorker) -> Vec<String> {
        let writers = match &mut self.link {
            PoolLink::Local { writers, .. } => writers,
            PoolLink::Bus(link) => {
                // Workers read it when they can.
                link.announce(message);
                return Vec::new();
            }
        };
        let workers = &self.workers;
        let is_working = |id: &String| workers.get(id).is_some_and(|handle| handle.is_working);
        let working = writers.iter_mut().filter(|(id, _)| is_working(id));
        let sends = working.map(|(id, writer)| async move {
            let sent = timeout(SEND_TIMEOUT, writer.send(message)).await;
            (!matches!(sent, Ok(Ok(())))).then(|| id.clone())
        });
        join_all(sends).await.into_iter().flatten().collect()
    }

    /// Returns the link to the bus; `None` for local workers.
    pub fn bus(&self) -> Option<&BusLink> {
        match &self.link {
            PoolLink::Local { .. } => None,
            PoolLink::Bus(link) => Some(link),
        }
    }

    /// Removes the run from the bus, if it is on one.
    pub async fn close(self) {
        if let PoolLink::Bus(link) = self.link {
            link.remove().await;
        }
    }

    /// Marks a working worker as silent since `since` on the run's clock. Returns `false` if it
    /// was silent or has ended.
    pub fn mark_silent(&mut self, id: &str, since: Duration) -> bool {
        let handle = self.workers.get_mut(id);
        let handle = handle.filter(|handle| handle.is_working && handle.silent_since.is_none());
        handle.is_some_and(|handle| {
            handle.silent_since = Some(since);
            true
        })
    }

    /// Takes when a worker fell silent; `None` if it is not silent.
    pub fn take_silence(&mut self, id: &str) -> Option<Duration> {
        self.workers.get_mut(id)?.silent_since.take()
    }

    /// Returns since when no working worker has shown a sign of life; `None` if one does, or if
    /// none works.
    pub fn all_silent_since(&self) -> Option<Duration> {
        let working = self.workers.values().filter(|handle| handle.is_working);
        let silences: Option<Vec<Duration>> = working.map(|handle| handle.silent_since).collect();
        silences?.into_iter().max()
    }

    /// Whether a worker is neither done nor lost.
    pub fn is_working(&self, id: &str) -> bool {
        self.workers.get(id).is_some_and(|handle| handle.is_working)
    }

    /// Returns a worker's segment; `None` for an unknown id.
    pub fn segment(&self, id: &str) -> Option<Segment> {
        self.workers.get(id).map(|handle| handle.segment)
    }

    /// Returns the ids of all workers.
    pub fn ids(&self) -> Vec<String> {
        self.workers.keys().cloned().collect()
    }

    /// Returns the ids of the workers that are done or lost.
    pub fn ended_ids(&self) -> BTreeSet<String> {
        let ended = self.workers.iter().filter(|(_, handle)| !handle.is_working);
        ended.map(|(id, _)| id.clone()).collect()
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
        // A lost worker's sockets never open: the ramp does not wait for them. Nor does it wait
        // for those of a silent one, unless all are silent: then the bus may be away.
        let handles = self.workers.values();
        let working: Vec<_> = handles.filter(|handle| handle.is_working).collect();
        let all_silent = working.iter().all(|handle| handle.silent_since.is_some());
        let mut awaited = working
            .into_iter()
            .filter(|handle| all_silent || handle.silent_since.is_none());
        awaited.all(|handle| handle.ramp_resolved >= plan.ramp_sockets_of(handle.segment))
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
    sender: mpsc::Sender<(String, WorkerEvent)>,
) {
    loop {
        let event = match reader.receive().await {
            Ok(mut message) => {
                if let FromWorker::Interval(interval) = &mut message {
                    // Before the queue, so that what is left out takes no memory there.
                    interval.enforce_limits();
                }
                WorkerEvent::Message(message)
            }
            Err(error) => WorkerEvent::Ended(error_chain(&error)),
        };
        // Done, an error, and a message out of order each end the worker's part.
        let last = !matches!(
            event,
            WorkerEvent::Message(FromWorker::Interval(_) | FromWorker::UnacceptedTelemetry(_))
        );
        // The send fails when the run has ended: nothing reads messages any more.
        if sender.send((id.clone(), event)).await.is_err() || last {
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
