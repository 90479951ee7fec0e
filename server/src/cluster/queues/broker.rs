//! The queues of this node, connected with the cluster.

use std::sync::Arc;

use futures_util::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use tokio::{
    sync::{oneshot, watch},
    time::{Duration, Instant, MissedTickBehavior, interval, sleep, timeout_at},
};

use super::{
    consumers::{Consumers, QueueConsumer},
    metrics::QueueMetrics,
    settle::{QueueDelivery, SettleTo},
    store::{OutgoingMessage, QueueStore, Settled, StoredMessage},
};
use crate::{
    backplane::{Backplane, ReplyTo, RequestError, SendError, View},
    cluster::slots::{SlotOwner, SlotTable},
    id::NodeId,
    limits::StompLimits,
    message::{
        ClusterNotification, ClusterRequest, ClusterResponse, QueueMessage, QueueSendResult, SLOTS,
        Settlement, decode, encode, hash,
    },
};

/// The interval of announcements, and with them the time in which a lost one heals.
const ANNOUNCE_EVERY: Duration = Duration::from_secs(5);
/// The age at which an announcement counts for nothing.
const STALE_AFTER: Duration = Duration::from_secs(30);
/// The interval of checks.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// The time for the slot owner's answer.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause before a message is sent to the next slot owner.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// The queues of one announcement.
const ANNOUNCED_AT_ONCE: usize = 500;
/// The messages of one queue that move to its new slot owner at a time.
const MOVED_AT_ONCE: usize = 64;

/// The queues of a node: messages that it stores for the cluster, and its own subscribers.
pub(crate) struct Queues {
    me: NodeId,
    pub(super) backplane: Arc<dyn Backplane>,
    table: watch::Receiver<Arc<SlotTable>>,
    limits: StompLimits,
    // Each lock is held for one operation. Neither is taken under the other.
    store: Mutex<QueueStore>,
    consumers: Mutex<Consumers>,
    pub(crate) metrics: QueueMetrics,
}

/// The reason why a message may not be in its queue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QueueSendError {
    /// A bound is reached; the message is not in the queue.
    #[error("the queue is full")]
    Full,
    /// The node that stores the queue cannot be reached; the message is not in the queue.
    #[error("the node that stores the queue cannot be reached")]
    Unreachable,
    /// The node left or did not answer; the message may be in the queue.
    #[error("the node that stores the queue did not answer; the message may be in the queue")]
    Unknown,
}

impl Queues {
    pub(in crate::cluster) fn new(
        me: NodeId,
        backplane: Arc<dyn Backplane>,
        table: watch::Receiver<Arc<SlotTable>>,
        limits: StompLimits,
    ) -> Self {
        Self {
            me,
            backplane,
            table,
            limits,
            store: Mutex::default(),
            consumers: Mutex::default(),
            metrics: QueueMetrics::new(),
        }
    }

    /// Sends a message to a queue. It keeps the order of the calls for the slot owner, because
    /// it is on its way before the future is polled.
    pub(crate) fn send(
        self: &Arc<Self>,
        queue: &str,
        message: QueueMessage,
    ) -> impl Future<Output = Result<(), QueueSendError>> + Send + use<> {
        let first = self.begin_send(queue, &message);
        let (queues, queue) = (Arc::clone(self), queue.to_owned());
        async move {
            let deadline = Instant::now() + SEND_TIMEOUT;
            let mut attempt = first;
            loop {
                match attempt.outcome().await {
                    // The slot owner leaves. The next view has another one.
                    Err(QueueSendError::Unreachable) if Instant::now() < deadline => {
                        sleep(RETRY_AFTER).await;
                        attempt = queues.begin_send(&queue, &message);
                    }
                    outcome => return outcome,
                }
            }
        }
    }

    fn begin_send(self: &Arc<Self>, queue: &str, message: &QueueMessage) -> SendAttempt {
        match self.owner(queue) {
            SlotOwner::Unknown => SendAttempt::Done(Err(QueueSendError::Unreachable)),
            SlotOwner::Local => SendAttempt::Done(outcome_of(self.store(queue, message.clone()))),
            SlotOwner::Remote(owner) => {
                let request = ClusterRequest::QueueSend(queue.to_owned(), message.clone());
                SendAttempt::Asked(self.request(&owner, &request, SEND_TIMEOUT).boxed())
            }
        }
    }

    /// Stores a message in a queue of this node. A node that is not the slot owner any more
    /// stores it too, and passes it on with the next view.
    pub(in crate::cluster) fn store(
        self: &Arc<Self>,
        queue: &str,
        message: QueueMessage,
    ) -> QueueSendResult {
        let now = Instant::now();
        let stored = self
            .store
            .lock()
            .push(queue, Arc::new(message), now, &self.limits);
        if !stored {
            self.metrics.rejected.inc();
            return QueueSendResult::Full;
        }
        self.metrics.accepted.inc();
        self.dispatch(queue);
        QueueSendResult::Accepted
    }

    /// Adds a subscriber of this node and returns its id.
    pub(crate) fn subscribe(
        self: &Arc<Self>,
        queue: &str,
        consumer: Arc<dyn QueueConsumer>,
    ) -> u64 {
        let id = self.consumers.lock().add(queue, consumer);
        self.announce(queue);
        id
    }

    /// Removes a subscriber. The messages that it has in hand are its own to settle.
    pub(crate) fn unsubscribe(self: &Arc<Self>, queue: &str, id: u64) {
        self.consumers.lock().remove(queue, id);
        self.announce(queue);
    }

    /// Notes the subscribers of a node.
    pub(in crate::cluster) fn set_interests(
        self: &Arc<Self>,
        node: &NodeId,
        interests: &[(String, u32)],
    ) {
        let now = Instant::now();
        for (queue, credit) in interests {
            self.store
                .lock()
                .set_interest(queue, node, *credit, now, &self.limits);
            self.dispatch(queue);
        }
    }

    /// Delivers a message of another node's store to a subscriber here.
    pub(in crate::cluster) fn deliver_remote(
        self: &Arc<Self>,
        reply_to: ReplyTo,
        queue: &str,
        message: QueueMessage,
        is_redelivered: bool,
    ) {
        let settle_to = SettleTo::Remote(reply_to);
        self.deliver(queue, Arc::new(message), is_redelivered, settle_to);
    }

    /// Returns the messages that wait here, and the bytes of all that are stored.
    pub(crate) fn stored(&self) -> (usize, usize) {
        let store = self.store.lock();
        (store.waiting(), store.bytes())
    }

    pub(super) fn release(&self, queue: &str, consumer: u64) {
        self.consumers.lock().release(queue, consumer);
    }

    fn deliver(
        self: &Arc<Self>,
        queue: &str,
        message: Arc<QueueMessage>,
        is_redelivered: bool,
        settle_to: SettleTo,
    ) {
        let chosen = self.consumers.lock().choose(queue, self.limits.prefetch);
        let Some(chosen) = chosen else {
            return settle_to.send(self, Settlement::Undelivered);
        };
        chosen.consumer.deliver(QueueDelivery {
            message,
            is_redelivered,
            consumer: chosen.id,
            queue: chosen.queue,
            queues: Arc::clone(self),
            settle_to: Some(settle_to),
        });
    }

    /// Sends waiting messages of a queue to nodes with room.
    fn dispatch(self: &Arc<Self>, queue: &str) {
        loop {
            // A statement of its own, so that the lock is released.
            let next = self.store.lock().take_next(queue);
            let Some(outgoing) = next else {
                return;
            };
            let settlement = self.begin_delivery(&outgoing);
            let queues = Arc::clone(self);
            tokio::spawn(async move {
                let settlement = settlement.await;
                queues.end_delivery(outgoing, settlement);
            });
        }
    }

    fn begin_delivery(
        self: &Arc<Self>,
        outgoing: &OutgoingMessage,
    ) -> impl Future<Output = Settlement> + Send + use<> {
        let stored = &outgoing.stored;
        let (message, is_redelivered) = (Arc::clone(&stored.message), stored.is_redelivered());
        let timeout = self.limits.ack_timeout;
        let (local, remote) = if outgoing.node == self.me {
            let (settle, settled) = oneshot::channel();
            let settle_to = SettleTo::Local(settle);
            self.deliver(&outgoing.queue, message, is_redelivered, settle_to);
            (Some(settled), None)
        } else {
            let queue = outgoing.queue.as_ref().to_owned();
            let message = QueueMessage::clone(&message);
            let request = ClusterRequest::QueueDeliver(queue, message, is_redelivered);
            (None, Some(self.request(&outgoing.node, &request, timeout)))
        };
        async move {
            if let Some(settled) = local {
                let settled = timeout_at(Instant::now() + timeout, settled).await;
                return settled.map_or(Settlement::Rejected, |settlement| {
                    settlement.unwrap_or(Settlement::Rejected)
                });
            }
            match remote {
                Some(request) => settlement_of(request.await),
                None => Settlement::Undelivered,
            }
        }
    }

    fn end_delivery(self: &Arc<Self>, outgoing: OutgoingMessage, settlement: Settlement) {
        let queue = Arc::clone(&outgoing.queue);
        let now = Instant::now();
        let settled = self
            .store
            .lock()
            .settle(outgoing, settlement, now, &self.limits);
        match (settled, settlement) {
            (Settled::Done, _) => self.metrics.acked.inc(),
            (Settled::Dropped, _) => self.metrics.dropped_rejected.inc(),
            (Settled::Returned, Settlement::Rejected) => self.metrics.redelivered.inc(),
            (Settled::Returned, _) => {}
        }
        self.dispatch(&queue);
    }

    /// Announces the subscribers of one queue to its slot owner.
    fn announce(self: &Arc<Self>, queue: &str) {
        let count = self.consumers.lock().count(queue);
        let interest = vec![(queue.to_owned(), self.credit(count))];
        match self.owner(queue) {
            SlotOwner::Local => self.set_interests(&self.me.clone(), &interest),
            SlotOwner::Remote(owner) => self.send_interests(&owner, interest),
            // Announced again with the next view.
            SlotOwner::Unknown => {}
        }
    }

    fn announce_all(self: &Arc<Self>) {
        let counts = self.consumers.lock().counts();
        let mut by_owner: Vec<(NodeId, Vec<(String, u32)>)> = Vec::new();
        for (queue, count) in counts {
            let interest = (queue.as_ref().to_owned(), self.credit(count));
            match self.owner(&queue) {
                SlotOwner::Local => self.set_interests(&self.me.clone(), &[interest]),
                SlotOwner::Remote(owner) => {
                    match by_owner.iter_mut().find(|(node, _)| *node == owner) {
                        Some((_, interests)) => interests.push(interest),
                        None => by_owner.push((owner, vec![interest])),
                    }
                }
                SlotOwner::Unknown => {}
            }
        }
        for (owner, interests) in by_owner {
            for some in interests.chunks(ANNOUNCED_AT_ONCE) {
                self.send_interests(&owner, some.to_vec());
            }
        }
    }

    fn send_interests(&self, owner: &NodeId, interests: Vec<(String, u32)>) {
        let announcement = encode(&ClusterNotification::QueueInterest(interests));
        // If it is lost, the next announcement says the same.
        let _ = self.backplane.send(owner, announcement);
    }

    fn credit(&self, subscribers: usize) -> u32 {
        let subscribers = u32::try_from(subscribers).unwrap_or(u32::MAX);
        subscribers.saturating_mul(self.limits.prefetch)
    }

    fn owner(&self, queue: &str) -> SlotOwner {
        let slot = (hash(queue) % SLOTS as u64) as usize;
        match self.table.borrow().owner_of_slot(slot) {
            None => SlotOwner::Unknown,
            Some(owner) if owner.id == self.me => SlotOwner::Local,
            Some(owner) => SlotOwner::Remote(owner.id.clone()),
        }
    }

    fn request(
        &self,
        to: &NodeId,
        request: &ClusterRequest,
        timeout: Duration,
    ) -> impl Future<Output = Result<ClusterResponse, RequestError>> + Send + use<> {
        let deadline = Instant::now() + timeout;
        let response = self.backplane.request(to, encode(request), deadline);
        let to = to.clone();
        async move { decode(&response.await?).ok_or(RequestError::Left(to)) }
    }

    /// Passes the waiting messages of queues that this node does not own to their slot owners.
    async fn move_foreign(self: &Arc<Self>) {
        let names = self.store.lock().waiting_names();
        for name in names {
            if let SlotOwner::Remote(owner) = self.owner(&name) {
                self.move_queue(&name, &owner).await;
            }
        }
    }

    /// Passes every waiting message to the node that will own its queue once this one has left.
    pub(crate) async fn leave(self: &Arc<Self>) {
        let view = Arc::clone(&self.table.borrow().view);
        let members = view.members.iter().filter(|member| member.id != self.me);
        let rest = SlotTable::new(Arc::new(View {
            members: members.cloned().collect(),
            ..View::clone(&view)
        }));
        let names = self.store.lock().waiting_names();
        for name in names {
            let slot = (hash(&name) % SLOTS as u64) as usize;
            if let Some(owner) = rest.owner_of_slot(slot) {
                self.move_queue(&name, &owner.id).await;
            }
        }
    }

    async fn move_queue(self: &Arc<Self>, name: &Arc<str>, owner: &NodeId) {
        loop {
            let taken = self.store.lock().take_waiting(name, MOVED_AT_ONCE);
            if taken.is_empty() {
                return;
            }
            let is_full_batch = taken.len() == MOVED_AT_ONCE;
            let kept = self.move_batch(name, owner, taken).await;
            let has_failed = !kept.is_empty();
            let now = Instant::now();
            for stored in kept {
                self.store.lock().put_back(name, stored, now);
            }
            if has_failed || !is_full_batch {
                return;
            }
        }
    }

    /// Sends messages to another node, and returns those that it did not take.
    async fn move_batch(
        &self,
        name: &Arc<str>,
        owner: &NodeId,
        batch: Vec<StoredMessage>,
    ) -> Vec<StoredMessage> {
        let sending: Vec<_> = batch
            .into_iter()
            .map(|stored| {
                let message = QueueMessage::clone(&stored.message);
                let request = ClusterRequest::QueueSend(name.as_ref().to_owned(), message);
                (self.request(owner, &request, SEND_TIMEOUT), stored)
            })
            .collect();
        let mut kept = Vec::new();
        for (request, stored) in sending {
            match request.await {
                Ok(ClusterResponse::QueueSent(QueueSendResult::Accepted)) => {}
                // Lost with its new owner, or stored there: twice is better than never.
                _ => kept.push(stored),
            }
        }
        kept
    }

    fn expire(&self) {
        let now = Instant::now();
        let expired = self.store.lock().expire(now, STALE_AFTER, &self.limits);
        self.metrics.dropped_expired.inc_by(expired as u64);
    }
}

/// Keeps queues and subscribers in step with the view.
pub(crate) async fn run(queues: Arc<Queues>) {
    let mut table = queues.table.clone();
    let mut seen = Arc::clone(&table.borrow_and_update().view);
    let mut checks = interval(CHECK_EVERY);
    checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut announced_at = Instant::now();
    let mut has_foreign = false;
    loop {
        tokio::select! {
            // The node holds the other end, and ends after this task.
            _ = table.changed() => {
                let view = Arc::clone(&table.borrow_and_update().view);
                forget_departed(&queues, &seen, &view);
                seen = view;
                has_foreign = true;
                announced_at = Instant::now();
                queues.announce_all();
            }
            _ = checks.tick() => queues.expire(),
        }
        if announced_at.elapsed() >= ANNOUNCE_EVERY {
            announced_at = Instant::now();
            queues.announce_all();
        }
        if has_foreign {
            queues.move_foreign().await;
            // What another node did not take is tried again with the next check.
            let owns = |name: &Arc<str>| queues.owner(name) == SlotOwner::Local;
            has_foreign = !queues.store.lock().waiting_names().iter().all(owns);
        }
    }
}

/// Forgets subscribers of nodes that left, or that lost their connection and returned.
fn forget_departed(queues: &Queues, before: &View, after: &View) {
    let generation = |view: &View, id: &NodeId| view.member(id).map(|member| member.generation);
    for member in before.nodes().filter(|member| member.id != queues.me) {
        if generation(after, &member.id) != Some(member.generation) {
            queues.store.lock().remove_node(&member.id);
        }
    }
}

/// One attempt to send a message.
enum SendAttempt {
    Done(Result<(), QueueSendError>),
    Asked(BoxFuture<'static, Result<ClusterResponse, RequestError>>),
}

impl SendAttempt {
    async fn outcome(self) -> Result<(), QueueSendError> {
        match self {
            Self::Done(outcome) => outcome,
            Self::Asked(request) => match request.await {
                Ok(ClusterResponse::QueueSent(result)) => outcome_of(result),
                Err(RequestError::NotSent(SendError::TooLarge(_))) => Err(QueueSendError::Full),
                Err(RequestError::NotSent(_) | RequestError::Unprocessed(_)) => {
                    Err(QueueSendError::Unreachable)
                }
                _ => Err(QueueSendError::Unknown),
            },
        }
    }
}

fn outcome_of(result: QueueSendResult) -> Result<(), QueueSendError> {
    match result {
        QueueSendResult::Accepted => Ok(()),
        QueueSendResult::Full => Err(QueueSendError::Full),
    }
}

fn settlement_of(response: Result<ClusterResponse, RequestError>) -> Settlement {
    match response {
        Ok(ClusterResponse::QueueSettled(settlement)) => settlement,
        Err(RequestError::NotSent(_) | RequestError::Unprocessed(_)) => Settlement::Undelivered,
        // The subscriber may have had it.
        _ => Settlement::Rejected,
    }
}
