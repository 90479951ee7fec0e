//! Sockets that came and went, by the tenth of a second, as the coordinator wrote
//! it down for all workers together.

use std::{collections::BTreeMap, ops::Range};

use super::{run_window::Cut, sockets::by_kind};
use crate::record::{Reading, Role, names::tenth};

/// Tenths in a second.
const IN_A_SECOND: f64 = 10.0;

/// What moved in a run, in order of time; tenths in which nothing did are absent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Movement<'a> {
    tenths: Vec<Tenth<'a>>,
}

/// What moved in a tenth of a second.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Tenth<'a> {
    /// Its number on the run's clock.
    pub(crate) number: i64,
    /// Sockets that opened, by node.
    pub(crate) arrived: BTreeMap<&'a str, u64>,
    /// Sockets that opened again.
    pub(crate) returned: u64,
    /// Sockets that ended.
    pub(crate) departed: u64,
    /// Attempts that began in it and failed.
    pub(crate) refused: u64,
    /// Of these, those that were answered by somebody without room.
    pub(crate) turned_away: u64,
    /// Attempts that began in it and opened late, by node.
    pub(crate) delayed: BTreeMap<&'a str, u64>,
    /// Attempts that began in it and had no answer at the end of the run.
    pub(crate) unanswered: u64,
}

impl<'a> Movement<'a> {
    /// All of a run, up to the end of the cut.
    pub(crate) fn of(cut: &Cut<'a>) -> Self {
        let mut tenths: BTreeMap<i64, Tenth<'a>> = BTreeMap::new();
        for (_, track) in cut.tracks.of(Role::Coordinator) {
            for line in track.lines().iter().copied().filter(|line| tells(line)) {
                let number = (line.at * IN_A_SECOND).round() as i64;
                let tenth = tenths.entry(number).or_insert_with(|| Tenth {
                    number,
                    ..Tenth::default()
                });
                tenth.add(line);
            }
        }
        let mut movement = Self {
            tenths: tenths.into_values().collect(),
        };
        movement.tenths.retain(|tenth| tenth.end_s() <= cut.end());
        movement
    }

    /// All of them.
    pub(crate) fn tenths(&self) -> &[Tenth<'a>] {
        &self.tenths
    }

    /// Those after an instant until another. A tenth in which an event lies is one
    /// after it.
    pub(crate) fn within(&self, range: Range<f64>) -> &[Tenth<'a>] {
        let after = |at_s: f64| self.tenths.partition_point(|tenth| tenth.end_s() <= at_s);
        let from = after(range.start);
        &self.tenths[from..after(range.end).max(from)]
    }
}

impl<'a> Tenth<'a> {
    /// Its beginning in seconds on the run's clock.
    pub(crate) fn start_s(&self) -> f64 {
        self.number as f64 / IN_A_SECOND
    }

    /// Its end.
    pub(crate) fn end_s(&self) -> f64 {
        self.number.saturating_add(1) as f64 / IN_A_SECOND
    }

    /// Sockets that opened at any node.
    pub(crate) fn arrivals(&self) -> u64 {
        self.arrived.values().sum()
    }

    fn add(&mut self, line: &'a Reading) {
        for (node, count) in by_kind(line, tenth::ARRIVED) {
            *self.arrived.entry(node).or_default() += count;
        }
        self.returned += line.counter(tenth::RETURNED);
        self.departed += line.counter(tenth::DEPARTED);
        self.refused += line.counter(tenth::REFUSED);
        self.turned_away += line.counter(tenth::TURNED_AWAY);
        for (node, count) in by_kind(line, tenth::DELAYED) {
            *self.delayed.entry(node).or_default() += count;
        }
        self.unanswered += line.counter(tenth::UNANSWERED);
    }
}

/// The coordinator's other lines have no counters.
fn tells(line: &Reading) -> bool {
    line.counters().next().is_some()
}
