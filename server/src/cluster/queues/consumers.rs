//! The subscribers of queues on this node.

use std::{collections::HashMap, sync::Arc};

use super::settle::QueueDelivery;

/// A subscriber of a queue.
pub(crate) trait QueueConsumer: Send + Sync {
    /// Takes a message. A subscriber that is closing drops it.
    fn deliver(&self, delivery: QueueDelivery);
}

/// The subscribers by queue. A queue without subscribers has no entry.
#[derive(Default)]
pub(super) struct Consumers {
    queues: HashMap<Arc<str>, Vec<Consumer>>,
    next_id: u64,
}

struct Consumer {
    id: u64,
    in_hand: u32,
    consumer: Arc<dyn QueueConsumer>,
}

/// The subscriber that is to get a message.
pub(super) struct ChosenConsumer {
    pub(super) id: u64,
    pub(super) queue: Arc<str>,
    pub(super) consumer: Arc<dyn QueueConsumer>,
}

impl Consumers {
    /// Adds a subscriber and returns its id.
    pub(super) fn add(&mut self, queue: &str, consumer: Arc<dyn QueueConsumer>) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let consumer = Consumer {
            id,
            in_hand: 0,
            consumer,
        };
        match self.queues.get_mut(queue) {
            Some(consumers) => consumers.push(consumer),
            None => drop(self.queues.insert(queue.into(), vec![consumer])),
        }
        id
    }

    /// Removes a subscriber.
    pub(super) fn remove(&mut self, queue: &str, id: u64) {
        if let Some(consumers) = self.queues.get_mut(queue) {
            consumers.retain(|consumer| consumer.id != id);
            if consumers.is_empty() {
                self.queues.remove(queue);
            }
        }
    }

    /// Chooses the subscriber with the fewest messages in hand, if one has fewer than
    /// `prefetch`, and counts a message for it. Among equals, they take turns.
    pub(super) fn choose(&mut self, queue: &str, prefetch: u32) -> Option<ChosenConsumer> {
        let (name, _) = self.queues.get_key_value(queue)?;
        let name = Arc::clone(name);
        let consumers = self.queues.get_mut(queue)?;
        let counts = consumers.iter().enumerate();
        let (at, _) = counts.min_by_key(|(_, consumer)| consumer.in_hand)?;
        if consumers[at].in_hand >= prefetch {
            return None;
        }
        // Behind the others, so that the next one of equals comes first.
        let mut chosen = consumers.remove(at);
        chosen.in_hand += 1;
        let (id, consumer) = (chosen.id, Arc::clone(&chosen.consumer));
        consumers.push(chosen);
        Some(ChosenConsumer {
            id,
            queue: name,
            consumer,
        })
    }

    /// Notes that a subscriber has a message less in hand.
    pub(super) fn release(&mut self, queue: &str, id: u64) {
        let consumers = self.queues.get_mut(queue);
        let found = consumers.and_then(|list| list.iter_mut().find(|c| c.id == id));
        if let Some(consumer) = found {
            consumer.in_hand = consumer.in_hand.saturating_sub(1);
        }
    }

    /// Returns the number of subscribers of a queue.
    pub(super) fn count(&self, queue: &str) -> usize {
        self.queues.get(queue).map_or(0, Vec::len)
    }

    /// Returns every queue with its number of subscribers.
    pub(super) fn counts(&self) -> Vec<(Arc<str>, usize)> {
        let queues = self.queues.iter();
        queues
            .map(|(name, consumers)| (Arc::clone(name), consumers.len()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nothing;

    impl QueueConsumer for Nothing {
        fn deliver(&self, _: QueueDelivery) {}
    }

    #[test]
    fn subscribers_take_turns_within_their_prefetch() {
        let mut consumers = Consumers::default();
        let ids = [(); 3].map(|()| consumers.add("q", Arc::new(Nothing)));
        let mut chosen = Vec::new();
        while let Some(next) = consumers.choose("q", 2) {
            chosen.push(next.id);
        }
        assert_eq!(chosen, [&ids[..], &ids[..]].concat());
        consumers.release("q", ids[1]);
        assert_eq!(consumers.choose("q", 2).unwrap().id, ids[1]);
        for id in ids {
            consumers.remove("q", id);
        }
        assert!(consumers.choose("q", 2).is_none());
        assert!(consumers.counts().is_empty());
    }
}
