//! Sockets that come and go, by the tenth of a second.
//!
//! A second is too long to see a herd in: all that arrives within one second may
//! have been spread evenly or sent to one node after the other. What is kept here
//! is taken away each second; no socket carries anything for it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use highwater_reports::record::names::conn_event;

use crate::control::CounterBucket;

/// Nodes that are told apart within a tenth; a cluster of the harness's own has at
/// most 200.
const NODES_LIMIT: usize = 256;
/// Tenths that wait to be taken: ten minutes of a coordinator that takes nothing.
const BUCKETS_LIMIT: usize = 6_000;

/// What came and went since the last taking, over the whole worker.
#[derive(Debug, Default)]
pub struct ConnEventCounter {
    /// By the tenth's number on the run's clock, then by the counter's name.
    buckets: Mutex<BTreeMap<u64, BTreeMap<String, u64>>>,
}

impl ConnEventCounter {
    /// At `at` on the run's clock a socket opened at `node`.
    pub fn record_opened(&self, at: Duration, node: &str) {
        self.add_for_node(at, conn_event::OPENED, node);
    }

    /// At `at` an attempt began that `node` answered late.
    pub fn record_answered_late(&self, at: Duration, node: &str) {
        self.add_for_node(at, conn_event::DELAYED, node);
    }

    /// At `at` a lost socket was open again.
    pub fn record_reconnected(&self, at: Duration) {
        self.add(at, conn_event::RECONNECTED, None);
    }

    /// At `at` an open socket was lost.
    pub fn record_lost(&self, at: Duration) {
        self.add(at, conn_event::LOST, None);
    }

    /// At `at` an attempt to open began that has failed.
    pub fn record_failed(&self, at: Duration) {
        self.add(at, conn_event::FAILED, None);
    }

    /// It has failed because whoever answered had no room.
    pub fn record_rejected(&self, at: Duration) {
        self.add(at, conn_event::REJECTED, None);
    }

    /// At `at` an attempt began that waited until the end of the run.
    pub fn record_unanswered(&self, at: Duration) {
        self.add(at, conn_event::UNANSWERED, None);
    }

    /// Takes what has come together, in order of time.
    pub fn take_buckets(&self) -> Vec<CounterBucket> {
        let mut tenths = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *tenths)
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

    /// Nothing is lost at the limits: what is beyond them is only told less finely.
    fn add(&self, at: Duration, name: &str, family: Option<&str>) {
        let mut tenths = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut number = bucket_number(at);
        if tenths.len() >= BUCKETS_LIMIT
            && !tenths.contains_key(&number)
            && let Some((&last, _)) = tenths.last_key_value()
        {
            number = last;
        }
        let counters = tenths.entry(number).or_default();
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

/// The tenth of a second in which an instant lies.
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
    fn each_tenth_has_its_own_counts_and_is_taken_once() {
        let movements = ConnEventCounter::default();
        movements.record_opened(at(1_299), "n2");
        movements.record_opened(at(1_200), "n1");
        movements.record_opened(at(1_250), "n2");
        movements.record_reconnected(at(1_300));
        movements.record_lost(at(99));
        movements.record_failed(at(99));
        assert_eq!(
            movements.take_buckets(),
            [
                bucket(0, &[("failed", 1), ("lost", 1)]),
                bucket(12, &[("opened.n1", 1), ("opened.n2", 2)]),
                bucket(13, &[("reconnected", 1)]),
            ]
        );
        assert_eq!(movements.take_buckets(), []);
    }

    #[test]
    fn attempts_are_told_apart_by_what_became_of_them() {
        let movements = ConnEventCounter::default();
        movements.record_failed(at(1_000));
        movements.record_rejected(at(1_000));
        movements.record_answered_late(at(1_000), "n1");
        movements.record_unanswered(at(1_000));
        let counters = [
            ("delayed.n1", 1),
            ("failed", 1),
            ("rejected", 1),
            ("unanswered", 1),
        ];
        assert_eq!(movements.take_buckets(), [bucket(10, &counters)]);
    }

    #[test]
    fn more_nodes_than_can_be_are_counted_together() {
        let movements = ConnEventCounter::default();
        for node in 0..1_000 {
            movements.record_opened(at(0), &format!("n{node}"));
        }
        movements.record_lost(at(0));
        let taken = movements.take_buckets();
        let counters = &taken[0].counters;
        assert_eq!(counters.len(), NODES_LIMIT + 2);
        assert_eq!(counters.iter().map(|(_, count)| count).sum::<u64>(), 1_001);
        let elsewhere = ("opened.(other)".to_owned(), 1_000 - NODES_LIMIT as u64);
        assert!(counters.contains(&elsewhere), "{counters:?}");
    }

    #[test]
    fn a_coordinator_that_takes_nothing_costs_no_more_than_the_limit() {
        let movements = ConnEventCounter::default();
        for tenth in 0..BUCKETS_LIMIT as u64 + 500 {
            movements.record_lost(at(tenth * 100));
        }
        let taken = movements.take_buckets();
        assert_eq!(taken.len(), BUCKETS_LIMIT);
        let counted = taken.iter().flat_map(|tenth| &tenth.counters);
        let all: u64 = counted.map(|(_, count)| count).sum();
        assert_eq!(all, BUCKETS_LIMIT as u64 + 500);
    }
}
