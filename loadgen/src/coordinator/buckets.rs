//! Buckets of 100 ms from several workers, merged into lines of the record.

use std::collections::BTreeMap;

use highwater_reports::record::{Interval, Source, SourceRole};

use crate::control::CounterBucket;

/// Buckets in a second.
pub(super) const BUCKETS_PER_S: u64 = 10;

/// The buckets that are not written yet.
#[derive(Debug, Default)]
pub struct PendingBuckets {
    /// Counters by name, by the bucket's number on the run's clock.
    counts: BTreeMap<u64, BTreeMap<String, u64>>,
}

impl PendingBuckets {
    /// Adds a worker's buckets.
    pub fn add(&mut self, buckets: Vec<CounterBucket>) {
        for bucket in buckets {
            let counts = self.counts.entry(bucket.number).or_default();
            for (name, count) in bucket.counters {
                let sum = counts.entry(name).or_default();
                *sum = sum.saturating_add(count);
            }
        }
    }

    /// Takes the buckets before `second`, each as a line of the record.
    pub fn take_before(&mut self, second: u64) -> Vec<Interval> {
        // Later buckets stay: other workers may still add to them.
        // The end of a run takes all with `u64::MAX`, which must not overflow.
        let later = self.counts.split_off(&second.saturating_mul(BUCKETS_PER_S));
        let earlier = std::mem::replace(&mut self.counts, later).into_iter();
        let line = |(number, counters): (u64, _)| Interval {
            at: number as f64 / BUCKETS_PER_S as f64,
            length: 1.0 / BUCKETS_PER_S as f64,
            source: Source::new(SourceRole::Coordinator, "coordinator"),
            counters,
            gauges: BTreeMap::new(),
        };
        earlier.map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(number: u64, name: &str, count: u64) -> CounterBucket {
        CounterBucket {
            number,
            counters: vec![(name.to_owned(), count)],
        }
    }

    #[test]
    fn buckets_of_workers_are_added_and_later_ones_wait() {
        let mut buckets = PendingBuckets::default();
        buckets.add(vec![
            bucket(9, "opened.n1", 2),
            bucket(10, "reconnected", 1),
        ]);
        buckets.add(vec![bucket(9, "opened.n1", 3), bucket(9, "opened.n2", 1)]);
        let lines = buckets.take_before(1);
        assert_eq!(lines.len(), 1);
        assert_eq!((lines[0].at, lines[0].length), (0.9, 0.1));
        assert_eq!(lines[0].counter("opened.n1"), 5);
        assert_eq!(lines[0].counter("opened.n2"), 1);
        assert_eq!(buckets.take_before(1), []);
        assert_eq!(buckets.take_before(u64::MAX)[0].counter("reconnected"), 1);
        assert_eq!(buckets.take_before(u64::MAX), []);
    }
}
