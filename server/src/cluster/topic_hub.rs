//! The subscribers of one topic on this node, and how a message gets to them.
//!
//! A room is cut into shards. Each shard has a queue of messages and, while that
//! is not empty, one task that hands them out, some subscribers at a time: so
//! every subscriber gets the messages in the order in which they were announced,
//! no worker of the runtime is held for long, and a room of many subscribers
//! keeps several workers busy.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::{runtime::Handle, task::yield_now};

use crate::{faults::DeliveryFault, limits::NodeLimits, node::Node, session::Session};

/// Subscribers from which on a room opens another shard, as long as there are
/// fewer shards than workers.
const SHARD_CAPACITY: usize = 1024;
/// Subscribers that are handed a message before other tasks have their turn.
const CHUNK_SIZE: usize = 128;

/// The subscribers of a topic.
pub(crate) struct Subscribers {
    shards: Vec<Arc<SubscriberShard>>,
    count: usize,
}

/// Where a subscriber is in its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SubscriptionSlot {
    shard: u32,
    index: u32,
}

/// A message, encoded once for all who get it.
#[derive(Clone)]
pub(crate) struct EncodedMessage {
    pub(crate) frame: Bytes,
    /// The device that sent it, which gets no echo.
    pub(crate) sender: Option<Arc<Session>>,
}

#[derive(Default)]
struct SubscriberShard(Mutex<ShardState>);

#[derive(Default)]
struct ShardState {
    /// Never moved, so that a chunk goes on where the last one ended.
    slots: Vec<Option<Arc<Session>>>,
    free_slots: Vec<u32>,
    messages: VecDeque<EncodedMessage>,
    bytes: usize,
    /// A task hands out; it ends when no message is left.
    fan_out_running: bool,
    /// Deliveries that a fault holds back until the next message.
    delayed: Vec<(usize, Bytes)>,
}

impl Subscribers {
    pub(crate) fn new() -> Self {
        Self {
            shards: vec![Arc::default()],
            count: 0,
        }
    }

    /// Adds a subscriber.
    pub(crate) fn subscribe(&mut self, session: &Arc<Session>) -> SubscriptionSlot {
        let shard = self.shard_for_subscriber();
        let index = self.shards[shard].lock().insert(session);
        self.count += 1;
        SubscriptionSlot {
            shard: shard as u32,
            index,
        }
    }

    /// Removes a subscriber; what waits for it is not delivered any more.
    pub(crate) fn unsubscribe(&mut self, slot: SubscriptionSlot) {
        if let Some(shard) = self.shards.get(slot.shard as usize)
            && shard.lock().remove(slot.index)
        {
            self.count -= 1;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Whether the messages that wait leave no room for another one.
    pub(crate) fn is_full(&self, limits: &NodeLimits) -> bool {
        self.shards.iter().any(|shard| shard.lock().is_full(limits))
    }

    /// Queues a message for every subscriber.
    pub(crate) fn publish(&self, node: &Arc<Node>, message: &EncodedMessage) {
        for shard in &self.shards {
            if shard.lock().push(message.clone()) {
                tokio::spawn(fan_out(Arc::clone(node), Arc::clone(shard)));
            }
        }
    }

    fn shard_for_subscriber(&mut self) -> usize {
        let taken = |shard: &Arc<SubscriberShard>| shard.lock().occupied();
        let sizes: Vec<usize> = self.shards.iter().map(taken).collect();
        let (emptiest, size) = sizes
            .iter()
            .copied()
            .enumerate()
            .min_by_key(|(_, size)| *size)
            .unwrap_or((0, 0));
        if size >= SHARD_CAPACITY && self.shards.len() < Handle::current().metrics().num_workers() {
            self.shards.push(Arc::default());
            return self.shards.len() - 1;
        }
        emptiest
    }
}

/// Until no message is left.
async fn fan_out(node: Arc<Node>, shard: Arc<SubscriberShard>) {
    let mut from = 0;
    while let Some(next) = shard.fan_out_chunk(&node, from) {
        from = next;
        yield_now().await;
    }
}

impl SubscriberShard {
    /// One turn; see [`Queue::fan_out_chunk`].
    fn fan_out_chunk(&self, node: &Node, from: usize) -> Option<usize> {
        self.lock().fan_out_chunk(node, from)
    }

    fn lock(&self) -> MutexGuard<'_, ShardState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ShardState {
    fn occupied(&self) -> usize {
        self.slots.len() - self.free_slots.len()
    }

    fn insert(&mut self, session: &Arc<Session>) -> u32 {
        let session = Some(Arc::clone(session));
        match self.free_slots.pop() {
            Some(place) => {
                self.slots[place as usize] = session;
                place
            }
            None => {
                self.slots.push(session);
                (self.slots.len() - 1) as u32
            }
        }
    }

    fn remove(&mut self, index: u32) -> bool {
        let left = self.slots.get_mut(index as usize).and_then(Option::take);
        if left.is_some() {
            self.free_slots.push(index);
            self.delayed.retain(|(held, _)| *held != index as usize);
        }
        left.is_some()
    }

    fn is_full(&self, limits: &NodeLimits) -> bool {
        self.messages.len() >= limits.topic_queue_messages || self.bytes >= limits.topic_queue_bytes
    }

    /// Queues a message; whether somebody must be found to hand it out.
    fn push(&mut self, message: EncodedMessage) -> bool {
        self.bytes += message.frame.len();
        self.messages.push_back(message);
        !std::mem::replace(&mut self.fan_out_running, true)
    }

    /// Hands the first message to the places from `from` on, as many as one turn
    /// has. Answers where to go on; `None` when all is done.
    fn fan_out_chunk(&mut self, node: &Node, from: usize) -> Option<usize> {
        let Some(message) = self.messages.front().cloned() else {
            self.fan_out_running = false;
            // A quiet room holds no queue.
            self.messages = VecDeque::new();
            return None;
        };
        let to = (from + CHUNK_SIZE).min(self.slots.len());
        let mut counts = DeliveryCounts::default();
        for index in from..to {
            self.deliver(node, index, &message, &mut counts);
        }
        node.metrics
            .messages
            .record_fan_out(counts.delivered, counts.dropped_slow);
        if to < self.slots.len() {
            return Some(to);
        }
        self.messages.pop_front();
        self.bytes -= message.frame.len();
        Some(0)
    }

    fn deliver(
        &mut self,
        node: &Node,
        index: usize,
        message: &EncodedMessage,
        counts: &mut DeliveryCounts,
    ) {
        let Some(session) = &self.slots[index] else {
            return;
        };
        if message
            .sender
            .as_ref()
            .is_some_and(|sender| Arc::ptr_eq(sender, session))
        {
            return;
        }
        let mut push =
            |frame: &Bytes| match session.write_queue.push(frame.clone(), &node.config.limits) {
                Ok(()) => counts.delivered += 1,
                Err(_) => counts.dropped_slow += 1,
            };
        if let Some(held) = self.delayed.iter().position(|(held, _)| *held == index) {
            push(&message.frame);
            push(&self.delayed.swap_remove(held).1);
            return;
        }
        match node.faults.messages.next_fault() {
            DeliveryFault::NoFault => push(&message.frame),
            // As if it had been: a silent loss is what is asked for.
            DeliveryFault::Dropped => counts.delivered += 1,
            DeliveryFault::Duplicated => {
                push(&message.frame);
                push(&message.frame);
            }
            DeliveryFault::Delayed => self.delayed.push((index, message.frame.clone())),
        }
    }
}

/// What became of a chunk.
#[derive(Default)]
struct DeliveryCounts {
    delivered: u64,
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
    async fn seats_are_given_again_and_never_moved() {
        let mut room = Subscribers::new();
        let sessions: Vec<_> = (0..3).map(session).collect();
        let seats: Vec<_> = sessions
            .iter()
            .map(|session| room.subscribe(session))
            .collect();
        room.unsubscribe(seats[1]);
        room.unsubscribe(seats[1]);
        assert_eq!(room.len(), 2);
        assert_eq!(room.subscribe(&sessions[1]), seats[1]);
        let places = &room.shards[0].lock().slots;
        assert!(Arc::ptr_eq(places[2].as_ref().unwrap(), &sessions[2]));
    }

    proptest! {
        /// Against a list, with devices that come and go.
        #[test]
        fn a_room_holds_who_entered_and_has_not_left(steps in prop::collection::vec((0usize..8, any::<bool>()), 0..60)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let _inside = runtime.enter();
            let mut room = Subscribers::new();
            let sessions: Vec<_> = (0..8).map(session).collect();
            let mut seats: [Option<SubscriptionSlot>; 8] = [None; 8];
            for (device, enters) in steps {
                match (enters, seats[device]) {
                    (true, None) => seats[device] = Some(room.subscribe(&sessions[device])),
                    (false, Some(seat)) => {
                        room.unsubscribe(seat);
                        seats[device] = None;
                    }
                    _ => {}
                }
                prop_assert_eq!(room.len(), seats.iter().flatten().count());
                let queue = room.shards[0].lock();
                for (session, seat) in sessions.iter().zip(&seats) {
                    let held = queue.slots.iter().flatten().filter(|held| Arc::ptr_eq(held, session));
                    prop_assert_eq!(held.count(), usize::from(seat.is_some()));
                }
            }
        }
    }
}
