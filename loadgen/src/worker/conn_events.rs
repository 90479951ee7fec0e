//! Connection events: sockets that open, are lost and reopen, in buckets of 100 ms.
//!
//! A second is too coarse to show herding: the sockets of one second may have been spread
//! evenly, or sent to one node after the other. Events are counted as they happen, and
//! buckets are taken each second. No socket carries the name of its node: in every idle
//! device it would cost more than the device.

use std::{collections::BTreeMap, time::Duration};

use highwater_reports::record::names::conn_event;
use parking_lot::Mutex;

use crate::control::CounterBucket;

/// Nodes with a counter of their own within a bucket. A cluster of the harness has at most
/// 200 nodes; a target may name any number.
const NODES_LIMIT: usize = 256;
/// Buckets that wait to be taken: ten minutes with a coordinator that takes none.
const BUCKETS_LIMIT: usize = 6_000;

/// The connection events of a worker since the buckets were last taken.
#[derive(Debug, Default)]
pub struct ConnEventCounter {
    /// Counters by name, by the bucket's number on the run's clock.
    buckets: Mutex<BTreeMap<u64, BTreeMap<String, u64>>>,
}

impl ConnEventCounter {
    /// Counts a socket that opened at `at` on the run's clock, at the node that the answer
    /// names, if it names one.
    pub fn record_opened(&self, at: Duration, node: Option<&str>) {
        match node {
            Some(node) => self.add_for_node(at, conn_event::OPENED, node),
            None => self.add(at, conn_event::OPENED, None),
        }
    }

    /// Counts an attempt that began at `at` and that `node` answered late.
    pub fn record_answered_late(&self, at: Duration, node: &str) {
        self.add_for_node(at, conn_event::DELAYED, node);
    }

    /// Counts a lost socket that was open again at `at`.
    pub fn record_reconnected(&self, at: Duration) {
        self.add(at, conn_event::RECONNECTED, None);
    }

    /// Counts an open socket that was lost at `at`.
    pub fn record_lost(&self, at: Duration) {
        self.add(at, conn_event::LOST, None);
    }

    /// Counts an attempt that began at `at` and failed.
    pub fn record_failed(&self, at: Duration) {
        self.add(at, conn_event::FAILED, None);
    }

    /// Counts an attempt that began at `at` and failed because the server was at capacity.
    pub fn record_rejected(&self, at: Duration) {
        self.add(at, conn_event::REJECTED, None);
    }

    /// Counts an attempt that began at `at` and had no answer by the end of the run.
    pub fn record_unanswered(&self, at: Duration) {
        self.add(at, conn_event::UNANSWERED, None);
    }

    /// Takes all buckets, in order of time.
    pub fn take_buckets(&self) -> Vec<CounterBucket> {
        let mut buckets = self.buckets.lock();
        std::mem::take(&mut *buckets)
            .into_iter()
            .map(|(number, counters)| CounterBucket {
                number,
                counters: counters.into_iter().collect(),
            })
            .collect()
    }

    fn add_for_node(&self, at: Duration, family: &str, node: &str) {
        self.add(at, &format!("{family}.{node}"), Some(family));
    }

    /// Adds one to a counter. Beyond the limits counts stay right and get coarser: they go
    /// to the last bucket, or to the counter of all other nodes.
    fn add(&self, at: Duration, name: &str, family: Option<&str>) {
        let mut buckets = self.buckets.lock();
        let mut number = bucket_number(at);
        if buckets.len() >= BUCKETS_LIMIT
            && !buckets.contains_key(&number)
            && let Some((&last, _)) = buckets.last_key_value()
        {
            number = last;
        }
        let counters = buckets.entry(number).or_default();
        // Most events meet an existing counter and allocate no name.
        if let Some(count) = counters.get_mut(name) {
            *count += 1;
            return;
        }
        let name = match family {
            Some(family) if counters.len() >= NODES_LIMIT => {
                format!("{family}.{}", conn_event::OTHER_NODES)
            }
            _ => name.to_owned(),
        };
        *counters.entry(name).or_default() += 1;
    }
}

/// Returns the number of the bucket in which an instant lies.
fn bucket_number(at: Duration) -> u64 {
    u64::try_from(at.as_millis() / 100).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn bucket(number: u64, counters: &[(&str, u64)]) -> CounterBucket {
        let counters = counters.iter();
        CounterBucket {
            number,
            counters: counters
                .map(|&(name, count)| (name.to_owned(), count))
                .collect(),
        }
    }

    #[test]
    fn each_bucket_has_its_own_counts_and_is_taken_once() {
        let events = ConnEventCounter::default();
        events.record_opened(at(1_299), Some("n2"));
        events.record_opened(at(1_200), Some("n1"));
        events.record_opened(at(1_250), Some("n2"));
        events.record_opened(at(1_250), None);
        events.record_reconnected(at(1_300));
        events.record_lost(at(99));
        events.record_failed(at(99));
        assert_eq!(
            events.take_buckets(),
            [
                bucket(0, &[("failed", 1), ("lost", 1)]),
                bucket(12, &[("opened", 1), ("opened.n1", 1), ("opened.n2", 2)]),
                bucket(13, &[("reconnected", 1)]),
            ]
        );
        assert_eq!(events.take_buckets(), []);
    }

    #[test]
    fn failed_attempts_are_counted_by_cause() {
        let events = ConnEventCounter::default();
        events.record_failed(at(1_000));
        events.record_rejected(at(1_000));
        events.record_answered_late(at(1_000), "n1");
        events.record_unanswered(at(1_000));
        let counters = [
            ("delayed.n1", 1),
            ("failed", 1),
            ("rejected", 1),
            ("unanswered", 1),
        ];
        assert_eq!(events.take_buckets(), [bucket(10, &counters)]);
    }

    #[test]
    fn nodes_beyond_the_limit_are_counted_together() {
        let events = ConnEventCounter::default();
        for node in 0..1_000 {
            events.record_opened(at(0), Some(&format!("n{node}")));
        }
        events.record_lost(at(0));
        let taken = events.take_buckets();
        let counters = &taken[0].counters;
        assert_eq!(counters.len(), NODES_LIMIT + 2);
        assert_eq!(counters.iter().map(|(_, count)| count).sum::<u64>(), 1_001);
        let others = ("opened.(other)".to_owned(), 1_000 - NODES_LIMIT as u64);
        assert!(counters.contains(&others), "{counters:?}");
    }

    #[test]
    fn buckets_that_are_not_taken_are_bounded() {
        let events = ConnEventCounter::default();
        for number in 0..BUCKETS_LIMIT as u64 + 500 {
            events.record_lost(at(number * 100));
        }
        let taken = events.take_buckets();
        assert_eq!(taken.len(), BUCKETS_LIMIT);
        let counted = taken.iter().flat_map(|bucket| &bucket.counters);
        let all: u64 = counted.map(|(_, count)| count).sum();
        assert_eq!(all, BUCKETS_LIMIT as u64 + 500);
    }
}
