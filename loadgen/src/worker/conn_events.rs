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
    /// Counts an event `name` at `at` on the run's clock. An attempt lies at its start.
    pub fn record(&self, at: Duration, name: &str) {
        self.add(at, name, None);
    }

    /// Counts an event of `family` that `node` took part in, as [`record`](Self::record)
    /// does.
    pub fn record_at_node(&self, at: Duration, family: &str, node: &str) {
        self.add(at, &format!("{family}.{node}"), Some(family));
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

    /// Adds one to a counter. Beyond the limits counts stay right and get coarser: they go
    /// to the last bucket, or to the counter of all other nodes.
    fn add(&self, at: Duration, name: &str, family: Option<&str>) {
        let mut buckets = self.buckets.lock();
        let mut number = u64::try_from(at.as_millis() / 100).unwrap_or(u64::MAX);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn bucket(number: u64, counters: &[(&str, u64)]) -> CounterBucket {
        let counters = counters
            .iter()
            .map(|(name, count)| (name.to_string(), *count));
        CounterBucket {
            number,
            counters: counters.collect(),
        }
    }

    #[test]
    fn each_bucket_has_its_own_counts_and_is_taken_once() {
        let events = ConnEventCounter::default();
        events.record_at_node(at(1_299), conn_event::OPENED, "n2");
        events.record_at_node(at(1_200), conn_event::OPENED, "n1");
        events.record_at_node(at(1_250), conn_event::OPENED, "n2");
        events.record(at(1_250), conn_event::OPENED);
        events.record(at(1_300), conn_event::RECONNECTED);
        events.record(at(99), conn_event::LOST);
        events.record(at(99), conn_event::FAILED);
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
    fn nodes_beyond_the_limit_are_counted_together() {
        let events = ConnEventCounter::default();
        for node in 0..1_000 {
            events.record_at_node(at(0), conn_event::OPENED, &format!("n{node}"));
        }
        events.record(at(0), conn_event::LOST);
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
            events.record(at(number * 100), conn_event::LOST);
        }
        let taken = events.take_buckets();
        assert_eq!(taken.len(), BUCKETS_LIMIT);
        let counted = taken.iter().flat_map(|bucket| &bucket.counters);
        let all: u64 = counted.map(|(_, count)| count).sum();
        assert_eq!(all, BUCKETS_LIMIT as u64 + 500);
    }
}
