//! Sockets that came and went, by the tenth of a second, as the coordinator wrote
//! it down for all workers together.

use std::{collections::BTreeMap, ops::Range};

use super::{run_window::RunWindow, sockets::by_kind};
use crate::record::{IntervalRow, SourceRole, names::conn_event};

/// Tenths in a second.
const BUCKETS_PER_SECOND: f64 = 10.0;

/// What moved in a run, in order of time; tenths in which nothing did are absent.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConnEvents<'a> {
    buckets: Vec<ConnEventBucket<'a>>,
}

/// What moved in a tenth of a second.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ConnEventBucket<'a> {
    /// Its number on the run's clock.
    pub(crate) number: i64,
    /// Sockets that opened, by node.
    pub(crate) opened: BTreeMap<&'a str, u64>,
    /// Sockets that opened again.
    pub(crate) reconnected: u64,
    /// Sockets that ended.
    pub(crate) lost: u64,
    /// Attempts that began in it and failed.
    pub(crate) failed: u64,
    /// Of these, those that were answered by somebody without room.
    pub(crate) rejected: u64,
    /// Attempts that began in it and opened late, by node.
    pub(crate) delayed: BTreeMap<&'a str, u64>,
    /// Attempts that began in it and had no answer at the end of the run.
    pub(crate) unanswered: u64,
}

impl<'a> ConnEvents<'a> {
    /// All of a run, up to the end of the cut.
    pub(crate) fn of(cut: &RunWindow<'a>) -> Self {
        let mut tenths: BTreeMap<i64, ConnEventBucket<'a>> = BTreeMap::new();
        for (_, track) in cut.series.with_role(SourceRole::Coordinator) {
            for line in track
                .rows()
                .iter()
                .copied()
                .filter(|line| has_counters(line))
            {
                let number = (line.at * BUCKETS_PER_SECOND).round() as i64;
                let tenth = tenths.entry(number).or_insert_with(|| ConnEventBucket {
                    number,
                    ..ConnEventBucket::default()
                });
                tenth.add(line);
            }
        }
        let mut movement = Self {
            buckets: tenths.into_values().collect(),
        };
        movement.buckets.retain(|tenth| tenth.end_s() <= cut.end());
        movement
    }

    /// All of them.
    pub(crate) fn buckets(&self) -> &[ConnEventBucket<'a>] {
        &self.buckets
    }

    /// Those after an instant until another. A tenth in which an event lies is one
    /// after it.
    pub(crate) fn buckets_in(&self, range: Range<f64>) -> &[ConnEventBucket<'a>] {
        let after = |at_s: f64| self.buckets.partition_point(|tenth| tenth.end_s() <= at_s);
        let from = after(range.start);
        &self.buckets[from..after(range.end).max(from)]
    }
}

impl<'a> ConnEventBucket<'a> {
    /// Its beginning in seconds on the run's clock.
    pub(crate) fn start_s(&self) -> f64 {
        self.number as f64 / BUCKETS_PER_SECOND
    }

    /// Its end.
    pub(crate) fn end_s(&self) -> f64 {
        self.number.saturating_add(1) as f64 / BUCKETS_PER_SECOND
    }

    /// Sockets that opened at any node.
    pub(crate) fn opened_total(&self) -> u64 {
        self.opened.values().sum()
    }

    fn add(&mut self, line: &'a IntervalRow) {
        for (node, count) in by_kind(line, conn_event::OPENED) {
            *self.opened.entry(node).or_default() += count;
        }
        self.reconnected += line.counter(conn_event::RECONNECTED);
        self.lost += line.counter(conn_event::LOST);
        self.failed += line.counter(conn_event::FAILED);
        self.rejected += line.counter(conn_event::REJECTED);
        for (node, count) in by_kind(line, conn_event::DELAYED) {
            *self.delayed.entry(node).or_default() += count;
        }
        self.unanswered += line.counter(conn_event::UNANSWERED);
    }
}

/// The coordinator's other lines have no counters.
fn has_counters(line: &IntervalRow) -> bool {
    line.counters().next().is_some()
}
