//! What both ends counted, side by side. A pair that differs by more than what is
//! known to be unsure is a problem of the run.
//!
//! - `clients`: clients and nodes;
//! - `telemetry`: clients, nodes and consumers, from the device to the journal;
//! - `balancers`: clients, balancers and nodes;
//! - `backplane`: the nodes among themselves;
//! - `broker`: the nodes and the broker between them.
//!
//! Each pair says itself how far its counts may honestly differ: what a client
//! gave up on may have reached a node or not. Processes that ended or began again
//! took their counts with them; then nothing is said rather than something wrong.

mod backplane;
mod balancers;
mod broker;
mod clients;
mod telemetry;

use highwater_scenarios::plan::SystemSpec;

use super::{run_window::RunWindow, source_series::SourceSeries};
use crate::{
    human,
    record::{
        RecordEvent, SourceRole,
        names::{counter, gauge},
    },
    summary::{Agreement, LedgerLine, LedgerSide, Summary},
};

/// Processes are asked one after the other: what happened in this time may be counted
/// at one end only.
const ASKED_WITHIN_S: f64 = 2.0;

/// Two counts of one thing.
struct CountPair {
    what: String,
    left: LedgerSide,
    right: LedgerSide,
    /// How far the counts may differ for what is known to be unsure.
    unsure: u64,
    /// Why one of them is not whole, if so.
    incomplete: Option<String>,
    /// What else the right one counts, if anything.
    also_counted: Option<&'static str>,
}

/// The ledger's lines; none where nothing is counted at both ends.
pub(super) fn ledger(cut: &RunWindow, summary: &Summary) -> Vec<LedgerLine> {
    let mut pairs = clients::pairs(cut, summary);
    pairs.extend(telemetry::pairs(cut, summary));
    pairs.extend(balancers::pairs(cut));
    pairs.extend(backplane::pairs(cut));
    pairs.extend(broker::pair(cut));
    let lines: Vec<LedgerLine> = pairs.into_iter().map(CountPair::into_line).collect();
    let measured = |line: &LedgerLine| line.verdict != Agreement::Unmeasured;
    match lines.iter().any(measured) {
        true => lines,
        false => Vec::new(),
    }
}

/// In words, the lines that differ.
pub(super) fn differences(ledger: &[LedgerLine]) -> impl Iterator<Item = String> {
    let side =
        |side: &LedgerSide| format!("{} {}", side.who, human::count(side.count.unwrap_or(0)));
    ledger
        .iter()
        .filter(|line| line.verdict == Agreement::Differs)
        .map(move |line| {
            format!(
                "the ledger does not agree on {}: {}, {} (at most {} can be explained)",
                line.what,
                side(&line.left),
                side(&line.right),
                human::count(line.unsure)
            )
        })
}

impl CountPair {
    fn new(what: impl Into<String>, left: LedgerSide, right: LedgerSide, unsure: u64) -> Self {
        Self {
            what: what.into(),
            left,
            right,
            unsure,
            incomplete: None,
            also_counted: None,
        }
    }

    fn with_incomplete(self, doubt: Option<&str>) -> Self {
        let doubt = doubt.map(str::to_owned);
        Self {
            incomplete: doubt,
            ..self
        }
    }

    fn into_line(self) -> LedgerLine {
        let counts = self.left.count.zip(self.right.count);
        let difference = counts.map(|(left, right)| right as i64 - left as i64);
        let (verdict, note) = match (difference, self.incomplete, self.also_counted) {
            (None, ..) => (Agreement::Unmeasured, None),
            (_, Some(doubt), _) => (Agreement::Unknown, Some(doubt)),
            (Some(by), ..) if by.unsigned_abs() <= self.unsure => (Agreement::Agrees, None),
            (Some(1..), _, Some(others)) => (Agreement::Unknown, Some(others.to_owned())),
            (Some(_), ..) => (Agreement::Differs, None),
        };
        LedgerLine {
            what: self.what,
            left: self.left,
            right: self.right,
            difference,
            unsure: self.unsure,
            verdict,
            note,
        }
    }
}

fn ledger_side(who: &str, count: Option<u64>) -> LedgerSide {
    LedgerSide {
        who: who.to_owned(),
        count,
    }
}

/// Why the counts of workers or nodes are not whole.
fn incomplete_reason(cut: &RunWindow) -> Option<String> {
    let lost = cut
        .record
        .events
        .iter()
        .find_map(|event| match &event.kind {
            RecordEvent::WorkerLost { id, .. } => {
                Some(format!("what {id} counted last is not known"))
            }
            _ => None,
        });
    lost.or_else(|| incomplete_reason_of(cut, SourceRole::Node))
}

/// Why the counts of a role's processes are not whole.
fn incomplete_reason_of(cut: &RunWindow, role: SourceRole) -> Option<String> {
    let ends = cut
        .series
        .with_role(SourceRole::Worker)
        .filter_map(|(_, track)| {
            let last = track.rows().last()?;
            Some(last.end())
        });
    let worked_until = ends.fold(0.0, f64::max);
    processes_once_up(cut, role).find_map(|(id, track)| {
        let restarted = track.restarts().is_some_and(|at| !at.is_empty());
        let asked_at_the_end = track.rows().last().is_some_and(|last| {
            last.gauge(gauge::UP) == Some(1.0) && last.end() >= worked_until - 1.0
        });
        (restarted || !asked_at_the_end)
            .then(|| format!("what {id} counted before it ended is not known"))
    })
}

/// Processes of a role that were ever up.
fn processes_once_up<'a>(
    cut: &'a RunWindow<'a>,
    role: SourceRole,
) -> impl Iterator<Item = (&'a str, &'a SourceSeries<'a>)> {
    let processes = cut.series.with_role(role);
    processes.filter(|(_, track)| track.is_up_in(cut.range()))
}

/// A count over all processes of a role; `None` when one of them never shows it. Those
/// of a cluster began with the run, a target's before it.
fn role_total(cut: &RunWindow, role: SourceRole, name: &str) -> Option<u64> {
    let began_with_the_run = matches!(cut.record.manifest.plan.system, SystemSpec::Cluster(_));
    let counts = processes_once_up(cut, role).map(|(_, track)| {
        let first = track.gauge(name).next()?.value;
        let before = if began_with_the_run { 0.0 } else { first };
        Some(track.last_value(name)? - before)
    });
    let counts: Vec<f64> = counts.collect::<Option<_>>()?;
    (!counts.is_empty()).then(|| counts.iter().sum::<f64>().max(0.0) as u64)
}

/// How much a count of the nodes grew just before they were asked last.
fn recent_growth(cut: &RunWindow, role: SourceRole, name: &str) -> u64 {
    let grown = |track: &SourceSeries| {
        let end = track.rows().last()?.end();
        track.growth(name, end - ASKED_WITHIN_S..end + 1e-6)
    };
    let processes = cut.series.with_role(role);
    processes
        .filter_map(|(_, track)| grown(track))
        .sum::<f64>()
        .ceil() as u64
}

/// Sockets that were lost other than by the drain.
fn lost_sockets(cut: &RunWindow) -> u64 {
    family_total(cut, counter::DISCONNECT)
}

/// All kinds of a counter.
fn family_total(cut: &RunWindow, family: &str) -> u64 {
    let lines = cut.series.with_role(SourceRole::Worker);
    lines
        .flat_map(|(_, track)| track.rows_in(cut.range()))
        .flat_map(|line| super::sockets::by_kind(line, family))
        .map(|(_, count)| count)
        .sum()
}
