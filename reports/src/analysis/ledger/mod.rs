//! The ledger: counts of one thing at two ends, side by side. A pair that differs by more
//! than its explained difference is a problem of the run.
//!
//! ```text
//! clients ──► balancers ──► nodes ──► broker ──► nodes
//!    └ telemetry ──► nodes ──► queue ──► consumers ──► journals
//! ```
//!
//! - `clients`: clients and nodes;
//! - `telemetry`: clients, nodes and consumers, from the device to the journal;
//! - `balancers`: clients, balancers and nodes;
//! - `backplane`: the nodes among themselves;
//! - `broker`: the nodes and the broker between them;
//! - `counts`: sums over the processes of a role, and whether they are complete.
//!
//! Each pair states how far its counts may honestly differ: a node may or may not have
//! received what a client gave up on. A process that ended or restarted took its counts
//! with it, so such a pair gets no verdict.

mod backplane;
mod balancers;
mod broker;
mod clients;
mod counts;
mod telemetry;

use highwater_types::format;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    commands::CommandSummary, heartbeats::HeartbeatSummary, messages::MessageSummary,
    run_window::RunWindow, telemetry::TelemetrySummary,
};

/// One thing that was counted at two ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerLine {
    /// Thing that was counted.
    pub what: String,
    /// Count of the clients or of the sender.
    pub left: LedgerSide,
    /// Count of the nodes or of the receiver.
    pub right: LedgerSide,
    /// The right count less the left one; null where one of them is.
    pub difference: Option<i64>,
    /// Difference that is explained by events with an unknown outcome.
    pub unsure: u64,
    /// Whether the two counts agree.
    pub verdict: Agreement,
    /// Reason why the verdict is unknown.
    pub note: Option<String>,
}

/// The count of one end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerSide {
    /// The end and its action: `clients issued`.
    pub who: String,
    /// Number; null where it was not measured.
    pub count: Option<u64>,
}

/// Whether two ends agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Agreement {
    /// The counts differ by no more than the explained difference.
    Agrees,
    /// The counts differ by more.
    Differs,
    /// One count is incomplete, or includes other things.
    Unknown,
    /// One end counts nothing.
    Unmeasured,
}

/// The clients' counts that the ledger compares.
pub(super) struct ClientCounts<'a> {
    pub(super) heartbeats: &'a HeartbeatSummary,
    pub(super) commands: Option<&'a CommandSummary>,
    pub(super) messages: Option<&'a MessageSummary>,
    pub(super) telemetry: Option<&'a TelemetrySummary>,
}

/// An end with its action, and its count: `("clients issued", Some(5))`.
type Side<'a> = (&'a str, Option<u64>);

/// Two counts of one thing, before they are compared.
struct CountPair {
    what: String,
    left: LedgerSide,
    right: LedgerSide,
    /// Difference that is explained by events with an unknown outcome.
    unsure: u64,
    /// Reason why one of the counts is incomplete.
    incomplete: Option<String>,
    /// Other things that the right count includes.
    also_counted: Option<&'static str>,
}

/// Computes the ledger's lines; none where nothing is counted at both ends.
pub(super) fn ledger(window: &RunWindow, counts: &ClientCounts) -> Vec<LedgerLine> {
    let mut pairs = clients::pairs(window, counts);
    pairs.extend(telemetry::pairs(window, counts));
    pairs.extend(balancers::pairs(window));
    pairs.extend(backplane::pairs(window));
    pairs.extend(broker::pair(window));
    let lines: Vec<LedgerLine> = pairs.into_iter().map(CountPair::into_line).collect();
    let is_measured = |line: &LedgerLine| line.verdict != Agreement::Unmeasured;
    match lines.iter().any(is_measured) {
        true => lines,
        false => Vec::new(),
    }
}

/// Describes the lines that differ.
pub(super) fn differences(ledger: &[LedgerLine]) -> impl Iterator<Item = String> {
    let side =
        |side: &LedgerSide| format!("{} {}", side.who, format::count(side.count.unwrap_or(0)));
    ledger
        .iter()
        .filter(|line| line.verdict == Agreement::Differs)
        .map(move |line| {
            format!(
                "the ledger does not agree on {}: {}, {} (at most {} can be explained)",
                line.what,
                side(&line.left),
                side(&line.right),
                format::count(line.unsure)
            )
        })
}

impl CountPair {
    fn new(what: impl Into<String>, left: Side<'_>, right: Side<'_>, unsure: u64) -> Self {
        let side = |(who, count): Side<'_>| LedgerSide {
            who: who.to_owned(),
            count,
        };
        Self {
            what: what.into(),
            left: side(left),
            right: side(right),
            unsure,
            incomplete: None,
            also_counted: None,
        }
    }

    fn with_incomplete(self, reason: Option<&str>) -> Self {
        Self {
            incomplete: reason.map(str::to_owned),
            ..self
        }
    }

    fn into_line(self) -> LedgerLine {
        let counts = self.left.count.zip(self.right.count);
        let difference = counts.map(|(left, right)| right as i64 - left as i64);
        let (verdict, note) = match (difference, self.incomplete, self.also_counted) {
            // The order matters: an incomplete count must not be called a difference.
            (None, ..) => (Agreement::Unmeasured, None),
            (_, Some(reason), _) => (Agreement::Unknown, Some(reason)),
            (Some(by), ..) if by.unsigned_abs() <= self.unsure => (Agreement::Agrees, None),
            // A surplus may be the other things; a deficit cannot.
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
