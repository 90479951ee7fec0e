//! The memory of the messages that have arrived, against those that come again.
//!
//! A queue delivers a message again whose deletion was lost, and the filter of a stream
//! publishes again what it had not noted when it died.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use super::message::{MessageId, MessagePath};

/// The senders that are kept. Beyond them, those that were silent for longest are forgotten.
const MAX_SENDERS: usize = 16_384;
/// The time after which a silent sender may be forgotten. A message is kept for a minute in a
/// queue, and for a day in a stream, from which a filter that is late publishes it.
const MAX_SILENCE: Duration = Duration::from_secs(24 * 3600);

/// The greatest number of each sender on each path.
#[derive(Debug, Default)]
pub(super) struct SeenMessages {
    last: HashMap<(String, MessagePath), LastMessage>,
}

#[derive(Debug)]
struct LastMessage {
    number: u64,
    at: Instant,
}

impl SeenMessages {
    /// Notes a message and returns whether it is new. Messages of one sender on one path arrive
    /// in the order of their numbers.
    pub(super) fn is_new(&mut self, id: MessageId, now: Instant) -> bool {
        let key = (id.sender, id.path);
        if let Some(last) = self.last.get_mut(&key) {
            let is_new = id.number > last.number;
            last.number = last.number.max(id.number);
            last.at = now;
            return is_new;
        }
        self.make_room(now);
        let number = id.number;
        self.last.insert(key, LastMessage { number, at: now });
        true
    }

    fn make_room(&mut self, now: Instant) {
        if self.last.len() < MAX_SENDERS {
            return;
        }
        self.last.retain(|_, last| now - last.at < MAX_SILENCE);
        if self.last.len() == MAX_SENDERS {
            // The names come from outside, so their number is bounded in any case.
            let oldest = self.last.iter().min_by_key(|(_, last)| last.at);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.last.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(sender: &str, path: MessagePath, number: u64) -> MessageId {
        MessageId {
            sender: sender.to_owned(),
            path,
            number,
        }
    }

    #[test]
    fn message_that_comes_again_is_not_new() {
        let now = Instant::now();
        let mut seen = SeenMessages::default();
        for (sender, path, number, expected) in [
            ("a", MessagePath::Topic, 1, true),
            ("a", MessagePath::Topic, 1, false),
            ("a", MessagePath::Queue, 1, true),
            ("b", MessagePath::Topic, 1, true),
            ("a", MessagePath::Topic, 3, true),
            ("a", MessagePath::Topic, 2, false),
        ] {
            assert_eq!(seen.is_new(id(sender, path, number), now), expected);
        }
    }

    #[test]
    fn number_of_senders_is_bounded_and_the_oldest_is_forgotten() {
        let start = Instant::now();
        let mut seen = SeenMessages::default();
        for sender in 0..=MAX_SENDERS as u64 {
            let now = start + Duration::from_millis(sender);
            assert!(seen.is_new(id(&sender.to_string(), MessagePath::Topic, 1), now));
        }
        assert_eq!(seen.last.len(), MAX_SENDERS);
        assert!(!seen.is_new(id("1", MessagePath::Topic, 1), start));
        assert!(seen.is_new(id("0", MessagePath::Topic, 1), start));
    }
}
