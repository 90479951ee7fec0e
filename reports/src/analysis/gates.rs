//! The scenario's gates: metrics of the summary held against their limits.

use highwater_scenarios::{
    check::ComparisonOperator,
    metrics::{self, Unit},
    plan::{Gate, PhaseWindow},
};
use highwater_types::format;

use super::{
    harness::HarnessHealth,
    run_window::RunWindow,
    source_series::RecordSeries,
    summary::Summary,
    summary_metrics::SummaryMetrics,
    verdict::{GateOutcome, Verdict},
    zero_of_zero::empty_whole,
};
use crate::record::{RunEnd, RunRecord};

/// Length of a worker's stall from which counts are doubtful, in milliseconds. During such
/// a stall heartbeats go unanswered and commands time out, because the worker does not read.
const STALL_MS: f64 = 1000.0;

/// Sections whose metrics the harness's own stalls can spoil.
const TRAFFIC_SECTIONS: [&str; 7] = [
    "sockets",
    "login",
    "heartbeats",
    "commands",
    "exchanges",
    "messages",
    "telemetry",
];

/// Evaluates the gates in the order of the scenario. Also returns, in words, why some of
/// them are inconclusive.
pub(super) fn evaluate_gates(
    record: &RunRecord,
    sources: &RecordSeries,
    summary: &Summary,
    harness: &HarnessHealth,
) -> (Vec<GateOutcome>, Vec<String>) {
    let mut metrics = GateMetrics {
        record,
        sources,
        whole_run: SummaryMetrics::of(summary),
        windows: Vec::new(),
    };
    let mut reasons = Vec::new();
    let outcomes = record.manifest.plan.gates.iter().map(|gate| {
        let measured = metrics.of(gate);
        let actual = measured.and_then(|metrics| metrics.get(&gate.check.metric));
        let (verdict, reason) = match telling_value(gate, measured) {
            Ok(actual) => verdict(gate, actual, summary.ended, harness),
            Err(reason) => (Verdict::Inconclusive, Some(reason)),
        };
        reasons.extend(reason.map(|reason| reason_start(&gate.name) + &reason));
        GateOutcome {
            name: gate.name.clone(),
            check: gate.check.text.clone(),
            during: gate.during.map(|window| <&str>::from(window).to_owned()),
            actual,
            limit: gate.check.limit,
            verdict,
        }
    });
    // Collected before the reasons are returned, because the iterator fills them.
    let outcomes = outcomes.collect();
    (outcomes, reasons)
}

/// Returns why a gate is inconclusive; `None` for one that passed or failed.
pub(crate) fn reason_of<'s>(summary: &'s Summary, gate: &GateOutcome) -> Option<&'s str> {
    let start = reason_start(&gate.name);
    let mut problems = summary.problems.iter();
    problems.find_map(|problem| problem.strip_prefix(&start))
}

/// Returns the beginning of the problem that says why a gate is inconclusive.
fn reason_start(gate: &str) -> String {
    format!("gate `{gate}`: ")
}

/// The metrics of a run over the windows that its gates name.
struct GateMetrics<'a> {
    record: &'a RunRecord,
    sources: &'a RecordSeries<'a>,
    whole_run: SummaryMetrics,
    /// Windows computed so far; `None` for one that the run did not reach.
    windows: Vec<(PhaseWindow, Option<SummaryMetrics>)>,
}

impl GateMetrics<'_> {
    /// Returns the metrics of the gate's window; `None` when the run did not reach it.
    fn of(&mut self, gate: &Gate) -> Option<&SummaryMetrics> {
        match gate.during {
            None => Some(&self.whole_run),
            Some(window) => self.during(window),
        }
    }

    /// Computes the sections of a window once, however many gates name it.
    fn during(&mut self, wanted: PhaseWindow) -> Option<&SummaryMetrics> {
        if !self.windows.iter().any(|(window, _)| *window == wanted) {
            let window = RunWindow::during(self.record, self.sources, wanted);
            let metrics = window.map(|window| SummaryMetrics::of(&Summary::measure(&window)));
            self.windows.push((wanted, metrics));
        }
        let (_, metrics) = self.windows.iter().find(|(window, _)| *window == wanted)?;
        metrics.as_ref()
    }
}

/// Returns the value of the gate's metric, or why it says nothing.
fn telling_value(gate: &Gate, measured: Option<&SummaryMetrics>) -> Result<f64, String> {
    let metric = &gate.check.metric;
    let not_measured = |reason| format!("{metric} was not measured{reason}");
    let metrics = measured.ok_or_else(|| not_measured(": the run did not get there"))?;
    let Some(actual) = metrics.get(metric) else {
        let family = metric.rsplit_once('.').map_or("", |(family, _)| family);
        let count = metrics.get(&format!("{family}.count"));
        return Err(not_measured(match count {
            Some(0.0) => ": nothing was timed",
            _ => "",
        }));
    };
    match empty_whole(metrics, metric) {
        Some(whole) => Err(format!("{metric} says nothing, because {whole} is 0")),
        None => Ok(actual),
    }
}

fn verdict(
    gate: &Gate,
    actual: f64,
    ended: RunEnd,
    harness: &HarnessHealth,
) -> (Verdict, Option<String>) {
    if gate.check.comparison.holds(actual, gate.check.limit) {
        return (Verdict::Passed, None);
    }
    match harness_cause(gate, actual, ended, harness) {
        Some(reason) => (Verdict::Inconclusive, Some(reason)),
        None => (Verdict::Failed, None),
    }
}

/// Returns why the harness itself broke the gate, if it demonstrably did.
fn harness_cause(
    gate: &Gate,
    actual: f64,
    ended: RunEnd,
    harness: &HarnessHealth,
) -> Option<String> {
    let check = &gate.check;
    let section = check.metric.split('.').next().unwrap_or_default();
    // A saturated target slows the harness down as well, so a mere doubt about the harness
    // does not excuse the target.
    if !TRAFFIC_SECTIONS.contains(&section) {
        return None;
    }
    if metrics::find(&check.metric)?.unit == Unit::Millis {
        let excess = actual - check.limit;
        // A stall delays answers by its own length at most, so a larger excess is the target's.
        return (excess > 0.0 && harness.stall_ms >= excess).then(|| {
            format!(
                "a worker's own stall of {} could account for all of the {} too much",
                format::millis(harness.stall_ms),
                format::millis(excess)
            )
        });
    }
    // A lost worker takes its counts along, so any count may be too low.
    if harness.worker_lost {
        return Some("a worker was lost".to_owned());
    }
    // A stalled worker opens its sockets later, but it opens them.
    if harness.stall_ms >= STALL_MS && section != "sockets" {
        let stall = format::millis(harness.stall_ms);
        return Some(format!("a worker stalled for {stall}"));
    }
    if harness.only_own_connect_failures && section == "sockets" {
        return Some("sockets failed only at the harness: no free port or file, or a value that cannot be sent".to_owned());
    }
    (ended != RunEnd::Completed && could_still_hold(check.comparison, actual, check.limit))
        .then(|| "the run ended before the limit could be reached".to_owned())
}

/// Whether a growing count might have satisfied the check in a longer run.
fn could_still_hold(comparison: ComparisonOperator, actual: f64, limit: f64) -> bool {
    use ComparisonOperator::{AtLeast, AtMost, Equal, Greater, Less, Unequal};
    match comparison {
        AtLeast | Greater | Unequal => true,
        Equal => actual < limit,
        Less | AtMost => false,
    }
}
