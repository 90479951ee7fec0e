//! The messages of the queues that this node stores.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use tokio::time::{Duration, Instant};

use crate::{
    id::NodeId,
    limits::StompLimits,
    message::{QueueMessage, Settlement},
};

/// The queues by name. A queue without messages and subscribers has no entry.
#[derive(Default)]
pub(super) struct QueueStore {
    queues: HashMap<Arc<str>, Queue>,
    /// The bytes of all messages, those in hand included.
    bytes: usize,
    waiting: usize,
    next_number: u64,
}

struct Queue {
    /// The waiting messages in the order of their numbers.
    waiting: VecDeque<StoredMessage>,
    /// The bytes of `waiting`.
    bytes: usize,
    interests: Vec<Interest>,
    /// The messages that were delivered and are not settled.
    in_hand: usize,
    /// The last instant with a subscriber.
    subscribed_at: Instant,
}

/// A message with its place in its queue.
#[derive(Debug, Clone)]
pub(super) struct StoredMessage {
    /// A message that returns is put back by its number.
    number: u64,
    pub(super) message: Arc<QueueMessage>,
    /// The number of deliveries that were rejected.
    rejected: u32,
}

/// The subscribers of one node.
struct Interest {
    node: NodeId,
    credit: u32,
    in_hand: u32,
    announced_at: Instant,
}

/// A message on its way to a node.
#[derive(Debug)]
pub(super) struct OutgoingMessage {
    pub(super) queue: Arc<str>,
    pub(super) node: NodeId,
    pub(super) stored: StoredMessage,
}

/// The effect of a settlement.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Settled {
    Done,
    Returned,
    /// The message was rejected as often as it may be.
    Dropped,
}

impl StoredMessage {
    /// Whether a subscriber had the message before.
    pub(super) fn is_redelivered(&self) -> bool {
        self.rejected > 0
    }
}

impl Queue {
    fn new(now: Instant) -> Self {
        Self {
            waiting: VecDeque::new(),
            bytes: 0,
            interests: Vec::new(),
            in_hand: 0,
            subscribed_at: now,
        }
    }

    fn is_unused(&self) -> bool {
        self.waiting.is_empty() && self.interests.is_empty() && self.in_hand == 0
    }

    fn insert(&mut self, stored: StoredMessage) {
        self.bytes += stored.message.size();
        let at = self
            .waiting
            .partition_point(|other| other.number < stored.number);
        self.waiting.insert(at, stored);
    }

    fn pop(&mut self) -> Option<StoredMessage> {
        let stored = self.waiting.pop_front()?;
        self.bytes -= stored.message.size();
        Some(stored)
    }

    /// Returns the node that has the smallest share of its credit in hand.
    fn least_busy(&mut self) -> Option<&mut Interest> {
        let free = self.interests.iter_mut().filter(|i| i.in_hand < i.credit);
        // a/b < c/d as a*d < c*b, without rounding.
        free.min_by(|a, b| {
            let left = u64::from(a.in_hand) * u64::from(b.credit);
            let right = u64::from(b.in_hand) * u64::from(a.credit);
            left.cmp(&right)
        })
    }
}

impl QueueStore {
    /// Stores a message. Returns whether the bounds allowed it.
    pub(super) fn push(
        &mut self,
        name: &str,
        message: Arc<QueueMessage>,
        now: Instant,
        limits: &StompLimits,
    ) -> bool {
        let size = message.size();
        if self.bytes + size > limits.total_queue_bytes {
            return false;
        }
        let Some(queue) = self.queue(name, now, limits) else {
            return false;
        };
        let fits =
            queue.waiting.len() < limits.queue_messages && queue.bytes + size <= limits.queue_bytes;
        if !fits {
            return false;
        }
        let number = self.next_number;
        self.next_number += 1;
        self.bytes += size;
        self.waiting += 1;
        if let Some(queue) = self.queues.get_mut(name) {
            queue.insert(StoredMessage {
                number,
                message,
                rejected: 0,
            });
        }
        true
    }

    /// Notes how many messages the subscribers of a node may have in hand; 0 ends its interest.
    pub(super) fn set_interest(
        &mut self,
        name: &str,
        node: &NodeId,
        credit: u32,
        now: Instant,
        limits: &StompLimits,
    ) {
        if credit == 0 {
            if let Some(queue) = self.queues.get_mut(name) {
                queue.interests.retain(|interest| interest.node != *node);
                self.remove_if_unused(name);
            }
            return;
        }
        let Some(queue) = self.queue(name, now, limits) else {
            // The node announces it again.
            return;
        };
        queue.subscribed_at = now;
        match queue.interests.iter_mut().find(|i| i.node == *node) {
            Some(interest) => {
                interest.credit = credit;
                interest.announced_at = now;
            }
            None => queue.interests.push(Interest {
                node: node.clone(),
                credit,
                in_hand: 0,
                announced_at: now,
            }),
        }
    }

    /// Takes the next message of a queue that a node has room for.
    pub(super) fn take_next(&mut self, name: &str) -> Option<OutgoingMessage> {
        let (key, _) = self.queues.get_key_value(name)?;
        let key = Arc::clone(key);
        let queue = self.queues.get_mut(name)?;
        if queue.waiting.is_empty() {
            return None;
        }
        let interest = queue.least_busy()?;
        interest.in_hand += 1;
        let node = interest.node.clone();
        let stored = queue.pop()?;
        queue.in_hand += 1;
        self.waiting -= 1;
        Some(OutgoingMessage {
            queue: key,
            node,
            stored,
        })
    }

    /// Ends a delivery.
    pub(super) fn settle(
        &mut self,
        outgoing: OutgoingMessage,
        settlement: Settlement,
        now: Instant,
        limits: &StompLimits,
    ) -> Settled {
        let OutgoingMessage {
            queue: name,
            node,
            mut stored,
        } = outgoing;
        let queue = self.queues.entry(Arc::clone(&name));
        let queue = queue.or_insert_with(|| Queue::new(now));
        queue.in_hand = queue.in_hand.saturating_sub(1);
        if let Some(interest) = queue.interests.iter_mut().find(|i| i.node == node) {
            interest.in_hand = interest.in_hand.saturating_sub(1);
            if settlement == Settlement::Undelivered {
                // No room until the node announces itself again.
                interest.credit = interest.in_hand;
            }
        }
        stored.rejected += u32::from(settlement == Settlement::Rejected);
        let settled = match settlement {
            Settlement::Acked => Settled::Done,
            _ if stored.rejected >= limits.deliveries => Settled::Dropped,
            _ => Settled::Returned,
        };
        match settled {
            Settled::Returned => {
                queue.insert(stored);
                self.waiting += 1;
            }
            Settled::Done | Settled::Dropped => self.bytes -= stored.message.size(),
        }
        self.remove_if_unused(&name);
        settled
    }

    /// Forgets the subscribers of a node. Its deliveries fail by themselves.
    pub(super) fn remove_node(&mut self, node: &NodeId) {
        self.queues.retain(|_, queue| {
            queue.interests.retain(|interest| interest.node != *node);
            !queue.is_unused()
        });
    }

    /// Returns the names of all queues with waiting messages.
    pub(super) fn waiting_names(&self) -> Vec<Arc<str>> {
        let waiting = self.queues.iter().filter(|(_, q)| !q.waiting.is_empty());
        waiting.map(|(name, _)| Arc::clone(name)).collect()
    }

    /// Removes up to `max` of the waiting messages of a queue, in their order.
    pub(super) fn take_waiting(&mut self, name: &str, max: usize) -> Vec<StoredMessage> {
        let Some(queue) = self.queues.get_mut(name) else {
            return Vec::new();
        };
        let taken: Vec<_> = std::iter::from_fn(|| queue.pop()).take(max).collect();
        self.waiting -= taken.len();
        let bytes: usize = taken.iter().map(|stored| stored.message.size()).sum();
        self.bytes -= bytes;
        self.remove_if_unused(name);
        taken
    }

    /// Puts a message back that was taken. Its bytes may exceed the bounds for a while.
    pub(super) fn put_back(&mut self, name: &Arc<str>, stored: StoredMessage, now: Instant) {
        self.bytes += stored.message.size();
        self.waiting += 1;
        let queue = self.queues.entry(Arc::clone(name));
        queue.or_insert_with(|| Queue::new(now)).insert(stored);
    }

    /// Drops announcements older than `stale_after`, and the messages of queues without
    /// subscribers for longer than the retention. Returns the number of these messages.
    pub(super) fn expire(
        &mut self,
        now: Instant,
        stale_after: Duration,
        limits: &StompLimits,
    ) -> usize {
        let (mut bytes, mut messages) = (0, 0);
        self.queues.retain(|_, queue| {
            queue
                .interests
                .retain(|interest| now.duration_since(interest.announced_at) < stale_after);
            if !queue.interests.is_empty() || queue.in_hand > 0 {
                queue.subscribed_at = now;
            }
            if now.duration_since(queue.subscribed_at) >= limits.queue_retention {
                bytes += queue.bytes;
                messages += queue.waiting.len();
                return false;
            }
            !queue.is_unused()
        });
        self.bytes -= bytes;
        self.waiting -= messages;
        messages
    }

    /// Returns the number of waiting messages.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Returns the bytes of all messages.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn queue(&mut self, name: &str, now: Instant, limits: &StompLimits) -> Option<&mut Queue> {
        if !self.queues.contains_key(name) {
            if self.queues.len() >= limits.queues {
                return None;
            }
            self.queues.insert(name.into(), Queue::new(now));
        }
        self.queues.get_mut(name)
    }

    fn remove_if_unused(&mut self, name: &str) {
        if self.queues.get(name).is_some_and(Queue::is_unused) {
            self.queues.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Arc<QueueMessage> {
        Arc::new(QueueMessage {
            headers: Vec::new(),
            body: text.into(),
        })
    }

    fn node(name: &str) -> NodeId {
        name.parse().unwrap()
    }

    fn text(outgoing: &OutgoingMessage) -> &str {
        std::str::from_utf8(&outgoing.stored.message.body).unwrap()
    }

    struct Rig {
        store: QueueStore,
        limits: StompLimits,
        now: Instant,
    }

    impl Rig {
        fn new() -> Self {
            Self {
                store: QueueStore::default(),
                limits: StompLimits::default(),
                now: Instant::now(),
            }
        }

        fn push(&mut self, text: &str) -> bool {
            self.store.push("q", message(text), self.now, &self.limits)
        }

        fn interest(&mut self, name: &str, credit: u32) {
            self.store
                .set_interest("q", &node(name), credit, self.now, &self.limits);
        }

        fn settle(&mut self, outgoing: OutgoingMessage, settlement: Settlement) -> Settled {
            self.store
                .settle(outgoing, settlement, self.now, &self.limits)
        }
    }

    #[test]
    fn messages_wait_for_a_subscriber_and_come_in_order() {
        let mut rig = Rig::new();
        assert!(rig.push("1") && rig.push("2"));
        assert!(rig.store.take_next("q").is_none());
        rig.interest("a", 1);
        let first = rig.store.take_next("q").unwrap();
        assert_eq!(text(&first), "1");
        assert!(rig.store.take_next("q").is_none(), "the credit is used up");
        assert_eq!(rig.settle(first, Settlement::Acked), Settled::Done);
        let second = rig.store.take_next("q").unwrap();
        assert_eq!(text(&second), "2");
        assert_eq!(rig.settle(second, Settlement::Acked), Settled::Done);
        rig.interest("a", 0);
        assert!(rig.store.queues.is_empty());
        assert_eq!((rig.store.bytes(), rig.store.waiting()), (0, 0));
    }

    #[test]
    fn rejected_message_returns_to_its_place_until_its_last_delivery() {
        let mut rig = Rig::new();
        rig.limits.deliveries = 3;
        rig.interest("a", 2);
        assert!(rig.push("1") && rig.push("2") && rig.push("3"));
        let first = rig.store.take_next("q").unwrap();
        let second = rig.store.take_next("q").unwrap();
        assert_eq!(rig.settle(second, Settlement::Rejected), Settled::Returned);
        assert_eq!(rig.settle(first, Settlement::Rejected), Settled::Returned);
        for expected in [Settled::Returned, Settled::Dropped] {
            let again = rig.store.take_next("q").unwrap();
            assert_eq!(text(&again), "1");
            assert!(again.stored.is_redelivered());
            assert_eq!(rig.settle(again, Settlement::Rejected), expected);
        }
        let next = rig.store.take_next("q").unwrap();
        assert_eq!(text(&next), "2");
    }

    #[test]
    fn messages_go_to_the_node_with_the_smallest_share_in_hand() {
        let mut rig = Rig::new();
        rig.interest("a", 10);
        rig.interest("b", 30);
        let mut counts = [0, 0];
        for _ in 0..20 {
            assert!(rig.push("x"));
            let outgoing = rig.store.take_next("q").unwrap();
            counts[usize::from(outgoing.node == node("b"))] += 1;
        }
        assert_eq!(counts, [5, 15]);
    }

    #[test]
    fn node_without_room_gets_nothing_until_it_announces_itself() {
        let mut rig = Rig::new();
        rig.interest("a", 5);
        assert!(rig.push("1"));
        let outgoing = rig.store.take_next("q").unwrap();
        let settled = rig.settle(outgoing, Settlement::Undelivered);
        assert_eq!(settled, Settled::Returned);
        assert!(rig.store.take_next("q").is_none());
        rig.interest("a", 5);
        let again = rig.store.take_next("q").unwrap();
        assert!(!again.stored.is_redelivered());
    }

    #[test]
    fn queues_are_bounded() {
        let mut rig = Rig::new();
        rig.limits.queue_messages = 2;
        assert!(rig.push("1") && rig.push("2") && !rig.push("3"));
        rig.limits.queues = 1;
        let other = rig.store.push("other", message("1"), rig.now, &rig.limits);
        assert!(!other);
        let mut rig = Rig::new();
        rig.limits.queue_bytes = 2 * message("1").size();
        assert!(rig.push("1") && rig.push("2") && !rig.push("3"));
        // A message in hand does not wait, but counts for the node.
        rig.limits.total_queue_bytes = 2 * message("1").size();
        rig.interest("a", 1);
        let _in_hand = rig.store.take_next("q").unwrap();
        assert!(!rig.push("3"));
    }

    #[test]
    fn messages_without_subscribers_expire() {
        let mut rig = Rig::new();
        assert!(rig.push("1"));
        let stale = Duration::from_secs(30);
        let retention = rig.limits.queue_retention;
        let late = rig.now + retention - Duration::from_secs(1);
        assert_eq!(rig.store.expire(late, stale, &rig.limits), 0);
        rig.now = late;
        rig.interest("a", 1);
        let later = late + retention;
        assert_eq!(
            rig.store
                .expire(later - Duration::from_secs(1), stale, &rig.limits),
            0
        );
        assert_eq!(rig.store.expire(later, stale, &rig.limits), 1);
        assert_eq!((rig.store.bytes(), rig.store.waiting()), (0, 0));
    }

    #[test]
    fn taken_messages_are_put_back_in_order() {
        let mut rig = Rig::new();
        for text in ["1", "2", "3"] {
            assert!(rig.push(text));
        }
        let taken = rig.store.take_waiting("q", 2);
        assert_eq!(rig.store.waiting(), 1);
        let name: Arc<str> = "q".into();
        for stored in taken.into_iter().rev() {
            rig.store.put_back(&name, stored, rig.now);
        }
        rig.interest("a", 9);
        let order: Vec<_> = std::iter::from_fn(|| rig.store.take_next("q")).collect();
        let order: Vec<_> = order.iter().map(text).collect();
        assert_eq!(order, ["1", "2", "3"]);
    }
}
