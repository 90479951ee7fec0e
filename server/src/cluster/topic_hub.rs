//! The subscribers of one topic on this node, and the delivery of its messages.
//!
//! ```text
//! publish ──► shard 1: queue ──► one task ──► write queues of its subscribers
//!         └─► shard 2: queue ──► one task ──► …
//! ```
//!
//! Each shard has a queue of messages and, while the queue is not empty, one task that
//! delivers them to some subscribers at a time. So every subscriber gets the messages in
//! the order of publication, no worker of the runtime is held for long, and a topic of
//! many subscribers keeps several workers busy.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::{runtime::Handle, task::yield_now};

use super::message_metrics::MessageMetrics;
use crate::{
    faults::DeliveryFault,
    limits::NodeLimits,
    message::TopicMessage,
    session::{Session, SessionContext, subscription::SubscriptionSlot},
};

/// Subscribers of a shard from which on the next one opens another shard, as long as
/// there are fewer shards than workers of the runtime.
const SHARD_CAPACITY: usize = 1024;
/// Subscribers that get a message before the task yields to others.
const CHUNK_SIZE: usize = 128;

/// The parts of the node that a delivery needs.
pub(super) struct DeliveryContext {
    pub(super) sessions: Arc<SessionContext>,
    pub(super) metrics: MessageMetrics,
}

/// The subscribers of a topic.
pub(super) struct Subscribers {
    shards: Vec<Arc<Mutex<SubscriberShard>>>,
    count: usize,
}

/// A message, encoded once for all devices.
#[derive(Clone)]
pub(super) struct EncodedMessage {
    /// The frame for devices; `None` if they do not get the message.
    pub(super) frame: Option<Bytes>,
    /// The message for sockets of other protocols.
    pub(super) message: Arc<TopicMessage>,
    /// The device that sent it. It does not get its own message back.
    pub(super) sender: Option<Arc<Session>>,
}

impl EncodedMessage {
    /// Returns the frame for one subscriber; `None` if it does not get the message.
    fn frame_for(&self, session: &Session) -> Option<Bytes> {
        match &session.protocol {
            None => self.frame.clone(),
            Some(protocol) => protocol.encode(&self.message),
        }
    }

    /// Returns the bytes that the message takes while it waits.
    fn size(&self) -> usize {
        match &self.frame {
            Some(frame) => frame.len(),
            None => self.message.size(),
        }
    }
}

#[derive(Default)]
struct SubscriberShard {
    /// A subscriber never changes its slot, so that a chunk continues where the last
    /// one ended.
    slots: Vec<Option<Arc<Session>>>,
    free_slots: Vec<u32>,
    messages: VecDeque<EncodedMessage>,
    /// Bytes of `messages`.
    bytes: usize,
    /// Whether a task delivers the messages. It ends when none is left.
    fan_out_running: bool,
    /// Deliveries that a fault delays until the next message, by slot.
    delayed: Vec<(usize, Bytes)>,
}

impl Default for Subscribers {
    fn default() -> Self {
        Self {
            shards: vec![Arc::default()],
            count: 0,
        }
    }
}

impl Subscribers {
    /// Adds a subscriber.
    pub(super) fn subscribe(&mut self, session: &Arc<Session>) -> SubscriptionSlot {
        let shard = self.shard_for_subscriber();
        let index = self.shards[shard].lock().insert(session);
        self.count += 1;
        SubscriptionSlot {
            shard: shard as u32,
            index,
        }
    }

    /// Removes a subscriber. It gets none of the messages that still wait.
    pub(super) fn unsubscribe(&mut self, slot: SubscriptionSlot) {
        if let Some(shard) = self.shards.get(slot.shard as usize)
            && shard.lock().remove(slot.index)
        {
            self.count -= 1;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Whether as many messages as allowed wait already.
    pub(super) fn is_full(&self, limits: &NodeLimits) -> bool {
        self.shards.iter().any(|shard| shard.lock().is_full(limits))
    }

    /// Queues a message for every subscriber.
    pub(super) fn publish(&self, delivery: &Arc<DeliveryContext>, message: &EncodedMessage) {
        for shard in &self.shards {
            if shard.lock().push(message.clone()) {
                tokio::spawn(fan_out(Arc::clone(delivery), Arc::clone(shard)));
            }
        }
    }

    /// Returns the emptiest shard, or a new one when that is full.
    fn shard_for_subscriber(&mut self) -> usize {
        let sizes = self.shards.iter().map(|shard| shard.lock().occupied());
        let emptiest = sizes.enumerate().min_by_key(|(_, size)| *size);
        let (emptiest, size) = emptiest.unwrap_or((0, 0));
        // More shards than workers would only add tasks: no more of them run at a time.
        if size >= SHARD_CAPACITY && self.shards.len() < Handle::current().metrics().num_workers() {
            self.shards.push(Arc::default());
            return self.shards.len() - 1;
        }
        emptiest
    }
}

/// Delivers the messages of a shard until none is left.
async fn fan_out(delivery: Arc<DeliveryContext>, shard: Arc<Mutex<SubscriberShard>>) {
    let mut next = Some(0);
    while let Some(from) = next {
        next = shard.lock().fan_out_chunk(&delivery, from);
        // Without the lock, so that publishers and subscribers come in between.
        yield_now().await;
    }
}

impl SubscriberShard {
    fn occupied(&self) -> usize {
        self.slots.len() - self.free_slots.len()
    }

    fn insert(&mut self, session: &Arc<Session>) -> u32 {
        let session = Some(Arc::clone(session));
        match self.free_slots.pop() {
            Some(slot) => {
                self.slots[slot as usize] = session;
                slot
            }
            None => {
                self.slots.push(session);
                (self.slots.len() - 1) as u32
            }
        }
    }

    fn remove(&mut self, index: u32) -> bool {
        let removed = self.slots.get_mut(index as usize).and_then(Option::take);
        if removed.is_some() {
            self.free_slots.push(index);
            // The next subscriber in this slot must not get a delayed message.
            self.delayed.retain(|(slot, _)| *slot != index as usize);
        }
        removed.is_some()
    }

    fn is_full(&self, limits: &NodeLimits) -> bool {
        self.messages.len() >= limits.topic_queue_messages || self.bytes >= limits.topic_queue_bytes
    }

    /// Queues a message. Returns whether a task must be started to deliver it.
    fn push(&mut self, message: EncodedMessage) -> bool {
        self.bytes += message.size();
        self.messages.push_back(message);
        !std::mem::replace(&mut self.fan_out_running, true)
    }

    /// Delivers the first message to the slots from `from` on, as many as one chunk
    /// holds. Returns the slot to continue at; `None` when no message is left.
    fn fan_out_chunk(&mut self, delivery: &DeliveryContext, from: usize) -> Option<usize> {
        let Some(message) = self.messages.front().cloned() else {
            // Under the same lock as the look at the queue: a message that is pushed
            // later starts a task of its own.
            self.fan_out_running = false;
            // A quiet topic keeps no queue in memory.
            self.messages = VecDeque::new();
            return None;
        };
        let to = (from + CHUNK_SIZE).min(self.slots.len());
        let mut counts = DeliveryCounts::default();
        for index in from..to {
            self.deliver(&delivery.sessions, index, &message, &mut counts);
        }
        delivery
            .metrics
            .record_fan_out(counts.delivered, counts.dropped_slow);
        if to < self.slots.len() {
            return Some(to);
        }
        self.messages.pop_front();
        self.bytes -= message.size();
        Some(0)
    }

    fn deliver(
        &mut self,
        sessions: &SessionContext,
        index: usize,
        message: &EncodedMessage,
        counts: &mut DeliveryCounts,
    ) {
        let Some(session) = &self.slots[index] else {
            return;
        };
        let is_sender = |sender: &Arc<Session>| Arc::ptr_eq(sender, session);
        if message.sender.as_ref().is_some_and(is_sender) {
            return;
        }
        let Some(frame) = message.frame_for(session) else {
            return;
        };
        let mut push =
            |frame: &Bytes| match session.write_queue.push(frame.clone(), &sessions.limits) {
                Ok(()) => counts.delivered += 1,
                Err(_) => counts.dropped_slow += 1,
            };
        if let Some(at) = self.delayed.iter().position(|(slot, _)| *slot == index) {
            push(&frame);
            push(&self.delayed.swap_remove(at).1);
            return;
        }
        match sessions.faults.messages.next_fault() {
            DeliveryFault::NoFault => push(&frame),
            // Counted as delivered: the fault stands for a loss that no counter shows.
            DeliveryFault::Dropped => counts.delivered += 1,
            DeliveryFault::Duplicated => {
                push(&frame);
                push(&frame);
            }
            DeliveryFault::Delayed => self.delayed.push((index, frame)),
        }
    }
}

/// The results of one chunk.
#[derive(Default)]
struct DeliveryCounts {
    delivered: u64,
    /// Deliveries to devices that closed as slow consumers.
    dropped_slow: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn session(name: usize) -> Arc<Session> {
        Arc::new(Session::new(format!("d{name}").parse().unwrap(), 1))
    }

    #[tokio::test]
    async fn freed_slot_is_reused_and_others_never_move() {
        let mut subscribers = Subscribers::default();
        let sessions: Vec<_> = (0..3).map(session).collect();
        let slots = [0, 1, 2].map(|at| subscribers.subscribe(&sessions[at]));
        subscribers.unsubscribe(slots[1]);
        subscribers.unsubscribe(slots[1]);
        assert_eq!(subscribers.len(), 2);
        assert_eq!(subscribers.subscribe(&sessions[1]), slots[1]);
        let occupied = &subscribers.shards[0].lock().slots;
        assert!(Arc::ptr_eq(occupied[2].as_ref().unwrap(), &sessions[2]));
    }

    proptest! {
        /// Compares the subscribers with a list, with devices that come and go.
        #[test]
        fn subscribers_are_those_that_subscribed_and_did_not_unsubscribe(steps in prop::collection::vec((0usize..8, any::<bool>()), 0..60)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let _inside = runtime.enter();
            let mut subscribers = Subscribers::default();
            let sessions: Vec<_> = (0..8).map(session).collect();
            let mut slots: [Option<SubscriptionSlot>; 8] = [None; 8];
            for (device, subscribes) in steps {
                match (subscribes, slots[device]) {
                    (true, None) => slots[device] = Some(subscribers.subscribe(&sessions[device])),
                    (false, Some(slot)) => {
                        subscribers.unsubscribe(slot);
                        slots[device] = None;
                    }
                    _ => {}
                }
                prop_assert_eq!(subscribers.len(), slots.iter().flatten().count());
                let shard = subscribers.shards[0].lock();
                for (session, slot) in sessions.iter().zip(&slots) {
                    let found = shard.slots.iter().flatten().filter(|other| Arc::ptr_eq(other, session));
                    prop_assert_eq!(found.count(), usize::from(slot.is_some()));
                }
            }
        }
    }
}
