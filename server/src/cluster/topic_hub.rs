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

use crate::{config::Limits, faults::Fate, node::Node, session::Session};

/// Subscribers from which on a room opens another shard, as long as there are
/// fewer shards than workers.
const SHARD: usize = 1024;
/// Subscribers that are handed a message before other tasks have their turn.
const CHUNK: usize = 128;

/// The subscribers of a topic.
pub(crate) struct Room {
    shards: Vec<Arc<Shard>>,
    subscribers: usize,
}

/// Where a subscriber is in its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seat {
    shard: u32,
    place: u32,
}

/// A message, encoded once for all who get it.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) frame: Bytes,
    /// The device that sent it, which gets no echo.
    pub(crate) sender: Option<Arc<Session>>,
}

#[derive(Default)]
struct Shard(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    /// Never moved, so that a chunk goes on where the last one ended.
    places: Vec<Option<Arc<Session>>>,
    free: Vec<u32>,
    messages: VecDeque<Message>,
    bytes: usize,
    /// A task hands out; it ends when no message is left.
    busy: bool,
    /// Deliveries that a fault holds back until the next message.
    late: Vec<(usize, Bytes)>,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self {
            shards: vec![Arc::default()],
            subscribers: 0,
        }
    }

    /// Adds a subscriber.
    pub(crate) fn enter(&mut self, session: &Arc<Session>) -> Seat {
        let shard = self.shard_with_room();
        let place = self.shards[shard].lock().seat(session);
        self.subscribers += 1;
        Seat {
            shard: shard as u32,
            place,
        }
    }

    /// Removes a subscriber; what waits for it is not delivered any more.
    pub(crate) fn leave(&mut self, seat: Seat) {
        if let Some(shard) = self.shards.get(seat.shard as usize)
            && shard.lock().vacate(seat.place)
        {
            self.subscribers -= 1;
        }
    }

    pub(crate) fn subscribers(&self) -> usize {
        self.subscribers
    }

    /// Whether the messages that wait leave no room for another one.
    pub(crate) fn is_full(&self, limits: &Limits) -> bool {
        self.shards.iter().any(|shard| shard.lock().is_full(limits))
    }

    /// Queues a message for every subscriber.
    pub(crate) fn announce(&self, node: &Arc<Node>, message: &Message) {
        for shard in &self.shards {
            if shard.lock().push(message.clone()) {
                tokio::spawn(hand_out(Arc::clone(node), Arc::clone(shard)));
            }
        }
    }

    fn shard_with_room(&mut self) -> usize {
        let taken = |shard: &Arc<Shard>| shard.lock().taken();
        let sizes: Vec<usize> = self.shards.iter().map(taken).collect();
        let (emptiest, size) = sizes
            .iter()
            .copied()
            .enumerate()
            .min_by_key(|(_, size)| *size)
            .unwrap_or((0, 0));
        if size >= SHARD && self.shards.len() < Handle::current().metrics().num_workers() {
            self.shards.push(Arc::default());
            return self.shards.len() - 1;
        }
        emptiest
    }
}

/// Until no message is left.
async fn hand_out(node: Arc<Node>, shard: Arc<Shard>) {
    let mut from = 0;
    while let Some(next) = shard.hand_out(&node, from) {
        from = next;
        yield_now().await;
    }
}

impl Shard {
    /// One turn; see [`Queue::chunk`].
    fn hand_out(&self, node: &Node, from: usize) -> Option<usize> {
        self.lock().chunk(node, from)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn taken(&self) -> usize {
        self.places.len() - self.free.len()
    }

    fn seat(&mut self, session: &Arc<Session>) -> u32 {
        let session = Some(Arc::clone(session));
        match self.free.pop() {
            Some(place) => {
                self.places[place as usize] = session;
                place
            }
            None => {
                self.places.push(session);
                (self.places.len() - 1) as u32
            }
        }
    }

    fn vacate(&mut self, place: u32) -> bool {
        let left = self.places.get_mut(place as usize).and_then(Option::take);
        if left.is_some() {
            self.free.push(place);
            self.late.retain(|(held, _)| *held != place as usize);
        }
        left.is_some()
    }

    fn is_full(&self, limits: &Limits) -> bool {
        self.messages.len() >= limits.topic_messages || self.bytes >= limits.topic_bytes
    }

    /// Queues a message; whether somebody must be found to hand it out.
    fn push(&mut self, message: Message) -> bool {
        self.bytes += message.frame.len();
        self.messages.push_back(message);
        !std::mem::replace(&mut self.busy, true)
    }

    /// Hands the first message to the places from `from` on, as many as one turn
    /// has. Answers where to go on; `None` when all is done.
    fn chunk(&mut self, node: &Node, from: usize) -> Option<usize> {
        let Some(message) = self.messages.front().cloned() else {
            self.busy = false;
            // A quiet room holds no queue.
            self.messages = VecDeque::new();
            return None;
        };
        let to = (from + CHUNK).min(self.places.len());
        let mut tally = Tally::default();
        for place in from..to {
            self.deliver(node, place, &message, &mut tally);
        }
        node.metrics
            .messages
            .handed_out(tally.delivered, tally.slow);
        if to < self.places.len() {
            return Some(to);
        }
        self.messages.pop_front();
        self.bytes -= message.frame.len();
        Some(0)
    }

    fn deliver(&mut self, node: &Node, place: usize, message: &Message, tally: &mut Tally) {
        let Some(session) = &self.places[place] else {
            return;
        };
        if message
            .sender
            .as_ref()
            .is_some_and(|sender| Arc::ptr_eq(sender, session))
        {
            return;
        }
        let mut push = |frame: &Bytes| match session.outbox.push(frame.clone(), &node.config.limits)
        {
            Ok(()) => tally.delivered += 1,
            Err(_) => tally.slow += 1,
        };
        if let Some(held) = self.late.iter().position(|(held, _)| *held == place) {
            push(&message.frame);
            push(&self.late.swap_remove(held).1);
            return;
        }
        match node.faults.messages.fate() {
            Fate::Delivered => push(&message.frame),
            // As if it had been: a silent loss is what is asked for.
            Fate::Dropped => tally.delivered += 1,
            Fate::Doubled => {
                push(&message.frame);
                push(&message.frame);
            }
            Fate::Late => self.late.push((place, message.frame.clone())),
        }
    }
}

/// What became of a chunk.
#[derive(Default)]
struct Tally {
    delivered: u64,
    slow: u64,
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
        let mut room = Room::new();
        let sessions: Vec<_> = (0..3).map(session).collect();
        let seats: Vec<_> = sessions.iter().map(|session| room.enter(session)).collect();
        room.leave(seats[1]);
        room.leave(seats[1]);
        assert_eq!(room.subscribers(), 2);
        assert_eq!(room.enter(&sessions[1]), seats[1]);
        let places = &room.shards[0].lock().places;
        assert!(Arc::ptr_eq(places[2].as_ref().unwrap(), &sessions[2]));
    }

    proptest! {
        /// Against a list, with devices that come and go.
        #[test]
        fn a_room_holds_who_entered_and_has_not_left(steps in prop::collection::vec((0usize..8, any::<bool>()), 0..60)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let _inside = runtime.enter();
            let mut room = Room::new();
            let sessions: Vec<_> = (0..8).map(session).collect();
            let mut seats: [Option<Seat>; 8] = [None; 8];
            for (device, enters) in steps {
                match (enters, seats[device]) {
                    (true, None) => seats[device] = Some(room.enter(&sessions[device])),
                    (false, Some(seat)) => {
                        room.leave(seat);
                        seats[device] = None;
                    }
                    _ => {}
                }
                prop_assert_eq!(room.subscribers(), seats.iter().flatten().count());
                let queue = room.shards[0].lock();
                for (session, seat) in sessions.iter().zip(&seats) {
                    let held = queue.places.iter().flatten().filter(|held| Arc::ptr_eq(held, session));
                    prop_assert_eq!(held.count(), usize::from(seat.is_some()));
                }
            }
        }
    }
}
