//! Tenths of seconds that several workers tell of, put together into lines of the
//! record.

use std::collections::BTreeMap;

use highwater_reports::record::{Interval, Role, Source};

use crate::control::Tenth;

/// Tenths in a second.
const IN_A_SECOND: u64 = 10;

/// What the workers have told of tenths that are not written yet.
#[derive(Debug, Default)]
pub struct Tenths {
    /// By the tenth's number, then by the counter's name.
    counts: BTreeMap<u64, BTreeMap<String, u64>>,
}

impl Tenths {
    /// A worker tells of some.
    pub fn add(&mut self, told: Vec<Tenth>) {
        for tenth in told {
            let counts = self.counts.entry(tenth.number).or_default();
            for (name, count) in tenth.counters {
                *counts.entry(name).or_default() += count;
            }
        }
    }

    /// Takes those that lie before `second`, each as a line of the record.
    pub fn before(&mut self, second: u64) -> Vec<Interval> {
        let later = self.counts.split_off(&second.saturating_mul(IN_A_SECOND));
        let earlier = std::mem::replace(&mut self.counts, later);
        earlier.into_iter().map(line).collect()
    }
}

fn line((number, counters): (u64, BTreeMap<String, u64>)) -> Interval {
    Interval {
        at: number as f64 / IN_A_SECOND as f64,
        length: 1.0 / IN_A_SECOND as f64,
        source: Source::new(Role::Coordinator, "coordinator"),
        counters,
        gauges: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenth(number: u64, name: &str, count: u64) -> Tenth {
        Tenth {
            number,
            counters: vec![(name.to_owned(), count)],
        }
    }

    #[test]
    fn workers_are_added_up_and_later_tenths_wait() {
        let mut tenths = Tenths::default();
        tenths.add(vec![tenth(9, "arrived.n1", 2), tenth(10, "returned", 1)]);
        tenths.add(vec![tenth(9, "arrived.n1", 3), tenth(9, "arrived.n2", 1)]);
        let lines = tenths.before(1);
        assert_eq!(lines.len(), 1);
        assert_eq!((lines[0].at, lines[0].length), (0.9, 0.1));
        assert_eq!(lines[0].counter("arrived.n1"), 5);
        assert_eq!(lines[0].counter("arrived.n2"), 1);
        assert_eq!(tenths.before(1), []);
        assert_eq!(tenths.before(u64::MAX)[0].counter("returned"), 1);
        assert_eq!(tenths.before(u64::MAX), []);
    }
}
