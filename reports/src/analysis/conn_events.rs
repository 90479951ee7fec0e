//! Sockets opened and lost in buckets of a tenth of a second, as the coordinator counted
//! them over all workers.

use std::{collections::BTreeMap, ops::Range};

use super::run_window::RunWindow;
use crate::record::{IntervalRow, SourceRole, names::conn_event};

/// Buckets in a second.
pub(super) const BUCKETS_PER_SECOND: f64 = 10.0;

/// The connection events of a run in order of time. Buckets without an event are absent.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConnEvents<'a> {
    buckets: Vec<ConnEventBucket<'a>>,
}

/// The connection events of a tenth of a second.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ConnEventBucket<'a> {
    /// Number of the tenth on the run's clock.
    pub(super) number: i64,
    /// Sockets that opened, by node.
    pub(crate) opened: BTreeMap<&'a str, u64>,
    /// Sockets that opened at a node that the answer does not name.
    pub(super) opened_unnamed: u64,
    /// Sockets that reconnected.
    pub(super) reconnected: u64,
    /// Sockets that ended.
    pub(super) lost: u64,
    /// Attempts that began in this tenth and failed.
    pub(super) failed: u64,
    /// Failed attempts that were answered with a rejection.
    pub(super) rejected: u64,
    /// Attempts that began in this tenth and took more than a second to open, by node.
    pub(super) delayed: BTreeMap<&'a str, u64>,
    /// Attempts that began in this tenth and had no answer when the run ended.
    pub(super) unanswered: u64,
}

impl<'a> ConnEvents<'a> {
    /// Collects the events up to the end of the window.
    pub(crate) fn of(window: &RunWindow<'a>) -> Self {
        let mut buckets: BTreeMap<i64, ConnEventBucket<'a>> = BTreeMap::new();
        for (_, series) in window.sources.with_role(SourceRole::Coordinator) {
            for &row in series.rows() {
                // The coordinator's other rows have no counters.
                if row.counters().next().is_none() {
                    continue;
                }
                // The start is a float in seconds; rounding gives each tenth one number.
                let number = (row.at * BUCKETS_PER_SECOND).round() as i64;
                let bucket = buckets.entry(number).or_default();
                bucket.number = number;
                bucket.add(row);
            }
        }
        let mut buckets: Vec<_> = buckets.into_values().collect();
        // The drain closes all sockets, which is not an event to analyse.
        buckets.retain(|bucket| bucket.end_s() <= window.end());
        Self { buckets }
    }

    /// All buckets.
    pub(crate) fn buckets(&self) -> &[ConnEventBucket<'a>] {
        &self.buckets
    }

    /// Returns the buckets from one instant to another. A bucket that contains the first
    /// instant is included.
    pub(super) fn buckets_in(&self, range: Range<f64>) -> &[ConnEventBucket<'a>] {
        let buckets = &self.buckets;
        // Buckets are sorted and a long run has many, so the ends are found by bisection.
        let after = |at_s: f64| buckets.partition_point(|bucket| bucket.end_s() <= at_s);
        let from = after(range.start);
        &buckets[from..after(range.end).max(from)]
    }
}

impl<'a> ConnEventBucket<'a> {
    /// The beginning in seconds on the run's clock.
    pub(crate) fn start_s(&self) -> f64 {
        self.number as f64 / BUCKETS_PER_SECOND
    }

    /// The end in seconds on the run's clock.
    pub(super) fn end_s(&self) -> f64 {
        // A damaged record may have any number, so the sum must not overflow.
        self.number.saturating_add(1) as f64 / BUCKETS_PER_SECOND
    }

    /// The number of sockets that opened at any node.
    pub(super) fn opened_total(&self) -> u64 {
        self.opened.values().sum::<u64>() + self.opened_unnamed
    }

    fn add(&mut self, row: &'a IntervalRow) {
        for (node, count) in row.counter_family(conn_event::OPENED) {
            *self.opened.entry(node).or_default() += count;
        }
        self.opened_unnamed += row.counter(conn_event::OPENED);
        self.reconnected += row.counter(conn_event::RECONNECTED);
        self.lost += row.counter(conn_event::LOST);
        self.failed += row.counter(conn_event::FAILED);
        self.rejected += row.counter(conn_event::REJECTED);
        for (node, count) in row.counter_family(conn_event::DELAYED) {
            *self.delayed.entry(node).or_default() += count;
        }
        self.unanswered += row.counter(conn_event::UNANSWERED);
    }
}
