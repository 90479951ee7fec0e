//! The scenario's gates: figures of the summary held against their limits.

use highwater_scenarios::{
    check::ComparisonOperator,
    metrics::Unit,
    plan::{Gate, PhaseWindow},
};

use super::{harness::HarnessHealth, run_window::RunWindow, sections, source_series::RecordSeries};
use crate::{
    human,
    metric::{SummaryMetrics, unit},
    record::{RunEnd, RunRecord},
    summary::{GateOutcome, Summary, Verdict},
};

/// A stall of a worker from this length on makes counts doubtful: heartbeats
/// go unanswered and commands time out for want of somebody to read.
const STALL_MS: f64 = 1000.0;

/// Outcomes in the order of the scenario, and in words why some of them could
/// not be judged.
pub(crate) fn evaluate_gates(
    record: &RunRecord,
    tracks: &RecordSeries,
    summary: &Summary,
    harness: &HarnessHealth,
) -> (Vec<GateOutcome>, Vec<String>) {
    let mut doubts = Vec::new();
    let whole = SummaryMetrics::of(summary);
    let mut windows: Vec<(PhaseWindow, Option<SummaryMetrics>)> = Vec::new();
    let outcomes = record
        .manifest
        .plan
        .gates
        .iter()
        .map(|gate| {
            let actual = match gate.during {
                None => whole.get(&gate.check.metric),
                Some(window) => {
                    if !windows.iter().any(|(known, _)| *known == window) {
                        let cut = RunWindow::during(record, tracks, window);
                        windows.push((window, cut.map(|cut| SummaryMetrics::of(&sections(&cut)))));
                    }
                    let figures = windows.iter().find(|(known, _)| *known == window);
                    figures.and_then(|(_, figures)| figures.as_ref()?.get(&gate.check.metric))
                }
            };
            let (verdict, doubt) = verdict(gate, actual, summary.ended, harness);
            doubts.extend(doubt.map(|doubt| format!("gate `{}`: {doubt}", gate.name)));
            GateOutcome {
                name: gate.name.clone(),
                check: gate.check.text.clone(),
                during: gate.during.map(|window| window_name(window).to_owned()),
                actual,
                limit: gate.check.limit,
                verdict,
            }
        })
        .collect();
    (outcomes, doubts)
}

/// As the scenario spells it.
pub(crate) fn window_name(window: PhaseWindow) -> &'static str {
    match window {
        PhaseWindow::Ramp => "ramp",
        PhaseWindow::Steady => "steady",
        PhaseWindow::Drain => "drain",
        PhaseWindow::Run => "run",
    }
}

fn verdict(
    gate: &Gate,
    actual: Option<f64>,
    ended: RunEnd,
    harness: &HarnessHealth,
) -> (Verdict, Option<String>) {
    let Some(actual) = actual else {
        let doubt = format!("{} was not measured", gate.check.metric);
        return (Verdict::Inconclusive, Some(doubt));
    };
    if gate.check.comparison.holds(actual, gate.check.limit) {
        return (Verdict::Passed, None);
    }
    match harness_cause(gate, actual, ended, harness) {
        Some(doubt) => (Verdict::Inconclusive, Some(doubt)),
        None => (Verdict::Failed, None),
    }
}

/// Why the target is not to blame for a gate that does not hold. Only for what
/// the harness demonstrably did itself: a saturated target slows the harness
/// down as well, so mere doubt does not save it.
fn harness_cause(
    gate: &Gate,
    actual: f64,
    ended: RunEnd,
    harness: &HarnessHealth,
) -> Option<String> {
    let check = &gate.check;
    let section = check.metric.split('.').next().unwrap_or_default();
    let traffic = matches!(
        section,
        "sockets" | "heartbeats" | "commands" | "messages" | "telemetry"
    );
    if !traffic {
        return None;
    }
    if unit(&check.metric) == Unit::Millis {
        let excess = actual - check.limit;
        return (excess > 0.0 && harness.stall_ms >= excess).then(|| {
            format!(
                "a worker's own stall of {} could account for all of the {} too much",
                human::millis(harness.stall_ms),
                human::millis(excess)
            )
        });
    }
    if harness.worker_lost {
        return Some("a worker was lost".to_owned());
    }
    if harness.stall_ms >= STALL_MS && section != "sockets" {
        let stall = human::millis(harness.stall_ms);
        return Some(format!("a worker stalled for {stall}"));
    }
    if harness.only_own_connect_failures && section == "sockets" {
        return Some("sockets failed only for want of ports or files at the harness".to_owned());
    }
    (ended != RunEnd::Completed && could_still_hold(check.comparison, actual, check.limit))
        .then(|| "the run ended before it could be reached".to_owned())
}

/// Whether a count that had gone on to grow might have satisfied the check.
fn could_still_hold(comparison: ComparisonOperator, actual: f64, limit: f64) -> bool {
    match comparison {
        ComparisonOperator::AtLeast | ComparisonOperator::Greater => true,
        ComparisonOperator::Equal => actual < limit,
        ComparisonOperator::Unequal => true,
        ComparisonOperator::Less | ComparisonOperator::AtMost => false,
    }
}
