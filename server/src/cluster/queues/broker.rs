//! The queues of this node, connected with the cluster.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::{
    sync::{oneshot, watch},
    time::{Duration, Instant, timeout_at},
};

use super::{
    consumers::{Consumers, QueueConsumer},
    metrics::QueueMetrics,
    settle::{QueueDelivery, SettleDelivery, SettleTo},
    store::{OutgoingMessage, QueueStore, Settled},
};
use crate::{
    backplane::{Backplane, ReplyTo, RequestError},
    cluster::slots::{SlotOwner, SlotTable},
    id::NodeId,
    limits::StompLimits,
    message::{
        ClusterNotification, ClusterRequest, ClusterResponse, QueueMessage, QueueSendResult, SLOTS,
        Settlement, decode, encode, hash,
    },
};

/// The time for the slot owner's answer.
pub(super) const SEND_TIMEOUT: Duration = Duration::from_secs(5);
/// The queues of one announcement.
const ANNOUNCED_AT_ONCE: usize = 500;

/// The queues of a node: messages that it stores for the cluster, and its own subscribers.
pub(crate) struct Queues {
    pub(super) me: NodeId,
    backplane: Arc<dyn Backplane>,
    pub(super) table: watch::Receiver<Arc<SlotTable>>,
    pub(super) limits: StompLimits,
    // Each lock is held for one operation. Neither is taken under the other.
    pub(super) store: Mutex<QueueStore>,
    consumers: Mutex<Consumers>,
    pub(crate) metrics: QueueMetrics,
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

    fn deliver(
        self: &Arc<Self>,
        queue: &str,
        message: Arc<QueueMessage>,
        is_redelivered: bool,
        settle_to: SettleTo,
    ) {
        let chosen = self.consumers.lock().choose(queue, self.limits.prefetch);
        let Some(chosen) = chosen else {
            return self.send_settlement(settle_to, Settlement::Undelivered);
        };
        chosen.consumer.deliver(QueueDelivery {
            message,
            is_redelivered,
            consumer: chosen.id,
            queue: chosen.queue,
            queues: Arc::clone(self) as _,
            settle_to: Some(settle_to),
        });
    }

    /// Tells the node that stores a message how its delivery ended.
    fn send_settlement(&self, settle_to: SettleTo, settlement: Settlement) {
        match settle_to {
            // The wait has ended by its timeout.
            SettleTo::Local(owner) => drop(owner.send(settlement)),
            SettleTo::Remote(reply_to) => {
                let response = encode(&ClusterResponse::QueueSettled(settlement));
                // If it is lost, the message is delivered again after the timeout.
                let _ = self.backplane.reply(&reply_to, response);
            }
        }
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

    pub(super) fn announce_all(self: &Arc<Self>) {
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

    pub(super) fn owner(&self, queue: &str) -> SlotOwner {
        let slot = slot_of_queue(queue);
        match self.table.borrow().owner_of_slot(slot) {
            None => SlotOwner::Unknown,
            Some(owner) if owner.id == self.me => SlotOwner::Local,
            Some(owner) => SlotOwner::Remote(owner.id.clone()),
        }
    }

    pub(super) fn request(
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
}

impl SettleDelivery for Queues {
    fn settle(&self, queue: &str, consumer: u64, settle_to: SettleTo, settlement: Settlement) {
        self.consumers.lock().release(queue, consumer);
        self.send_settlement(settle_to, settlement);
    }
}

/// Returns the slot of a queue, which is the same on every node.
pub(super) fn slot_of_queue(queue: &str) -> usize {
    // Fits: there are fewer slots than numbers of 16 bits.
    (hash(queue) % SLOTS as u64) as usize
}

fn settlement_of(response: Result<ClusterResponse, RequestError>) -> Settlement {
    match response {
        Ok(ClusterResponse::QueueSettled(settlement)) => settlement,
        Err(RequestError::NotSent(_) | RequestError::Unprocessed(_)) => Settlement::Undelivered,
        // The subscriber may have had it.
        _ => Settlement::Rejected,
    }
}
