//! The number of records of one poll.

use std::time::Duration;

use super::super::queue::MAX_UNACKED;

/// The records of a member's first poll. It does not know yet how long one takes.
const FIRST: usize = 4;
/// The time within which the records of a poll should be handled. It lies far below the time
/// after which the client library leaves the group because the member does not poll.
const SLOW: Duration = Duration::from_secs(60);
/// The time below which the next poll may have twice as many records.
const FAST: Duration = Duration::from_secs(10);

/// The number of records of the next poll, by the time that those of the last one took.
///
/// A member must poll every five minutes, and one record may take a minute.
#[derive(Debug)]
pub(super) struct BatchSize(usize);

impl Default for BatchSize {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl BatchSize {
    /// Returns the number of records.
    pub(super) fn records(&self) -> usize {
        self.0
    }

    /// Adapts the number to the time from one poll with records to the next.
    pub(super) fn adapt(&mut self, handled_in: Duration) {
        self.0 = match handled_in {
            slow if slow > SLOW => (self.0 / 2).max(1),
            fast if fast < FAST => (self.0 * 2).min(MAX_UNACKED),
            _ => self.0,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_records_never_take_the_time_to_poll() {
        // The client library's own limit.
        const MUST_POLL: Duration = Duration::from_secs(300);
        for per_record in [0, 1, 3, 10, 30, 60] {
            let per_record = Duration::from_secs(per_record);
            let mut size = BatchSize::default();
            for _ in 0..20 {
                let handled_in = per_record * size.records() as u32;
                assert!(handled_in < MUST_POLL, "{per_record:?}: {size:?}");
                size.adapt(handled_in);
            }
            assert!((1..=MAX_UNACKED).contains(&size.records()));
        }
        let mut size = BatchSize::default();
        for _ in 0..5 {
            size.adapt(Duration::ZERO);
        }
        assert_eq!(size.records(), MAX_UNACKED);
    }
}
