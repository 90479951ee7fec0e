//! Gates in words, and as a table.

use highwater_scenarios::metrics::{Unit, find};

use super::{
    columns::{aligned, truncate_to_width},
    verdict::verdict_word,
};
use crate::{
    summary::{GateOutcome, Summary, Verdict},
    unit_format,
};

/// Most gates with a line of their own; the others are counted.
const MOST_GATES: usize = 5;

/// Returns the metric of a check: the text before the first blank or comparison.
pub(crate) fn metric_of(check: &str) -> &str {
    // A check may be written without blanks, as in `a.b<=5`.
    let end = check.find([' ', '<', '>', '=', '!']);
    &check[..end.unwrap_or(check.len())]
}

/// Formats the value of a gate's metric.
pub(crate) fn actual(gate: &GateOutcome) -> String {
    gate.actual.map_or_else(
        || "not measured".to_owned(),
        |actual| unit_format::with_unit(unit_of(gate), actual),
    )
}

/// Formats the limit of a gate: `50 ms`.
pub(crate) fn limit(gate: &GateOutcome) -> String {
    unit_format::with_unit(unit_of(gate), gate.limit)
}

/// Returns the unit in which the limit is written: for a limit of `105%` the value reads
/// `123 %`, for `1.05` it reads `1.23`.
fn unit_of(gate: &GateOutcome) -> Unit {
    match find(metric_of(&gate.check)).map_or(Unit::Count, |metric| metric.unit) {
        Unit::Ratio | Unit::Share if gate.check.ends_with('%') => Unit::Share,
        // A baseline gate has no number in its check and keeps the metric's unit.
        Unit::Share if gate.check.ends_with(|last: char| last.is_ascii_digit()) => Unit::Ratio,
        unit => unit,
    }
}

/// Describes a gate: `heartbeats.response.p99 during steady is 99 ms, must be <= 50 ms`.
pub(crate) fn gate_claim(gate: &GateOutcome) -> String {
    format!(
        "{} is {}, must be {} {}",
        metric_and_window(gate),
        actual(gate),
        comparison(&gate.check),
        limit(gate)
    )
}

/// Describes a gate with its name, if it has one.
pub(crate) fn gate_text(gate: &GateOutcome) -> String {
    let name = custom_name(gate).map_or_else(String::new, |name| format!(" ({name})"));
    gate_claim(gate) + &name
}

/// Returns the table of gates, those that do not hold first.
pub(super) fn gate_lines(summary: &Summary) -> Vec<String> {
    let mut gates: Vec<&GateOutcome> = summary.gates.iter().collect();
    // The screen is short, and the gates that do not hold matter most.
    gates.sort_by_key(|gate| match gate.verdict {
        Verdict::Failed => 0,
        Verdict::Inconclusive => 1,
        Verdict::Passed => 2,
    });
    let shown = gates.iter().take(MOST_GATES).map(|gate| row(gate));
    let shown: Vec<Vec<String>> = shown.collect();
    // Values end in one column, so that their digits and units stand below each other.
    let lines = aligned(&shown, |column| column != 2).into_iter();
    let mut lines: Vec<String> = lines
        .map(|line| truncate_to_width(&format!("  {line}")))
        .collect();
    let hidden = &gates[shown.len()..];
    let passed = hidden
        .iter()
        .filter(|gate| gate.verdict == Verdict::Passed)
        .count();
    match (passed, hidden.len() - passed) {
        (0, 0) => {}
        (passed, 0) => lines.push(format!("  and {passed} more that passed")),
        (passed, others) => lines.push(format!(
            "  and {others} more that do not hold, {passed} that passed"
        )),
    }
    lines
}

fn row(gate: &GateOutcome) -> Vec<String> {
    vec![
        verdict_word(gate.verdict).to_owned(),
        metric_and_window(gate),
        actual(gate),
        format!("{} {}", comparison(&gate.check), limit(gate)),
        custom_name(gate).unwrap_or_default().to_owned(),
    ]
}

fn metric_and_window(gate: &GateOutcome) -> String {
    let metric = metric_of(&gate.check);
    match &gate.during {
        Some(during) => format!("{metric} during {during}"),
        None => metric.to_owned(),
    }
}

fn comparison(check: &str) -> &str {
    let rest = check[metric_of(check).len()..].trim_start();
    let end = rest.find(|c| !matches!(c, '<' | '>' | '=' | '!'));
    &rest[..end.unwrap_or(rest.len())]
}

/// Returns the gate's name, unless that is the check itself.
fn custom_name(gate: &GateOutcome) -> Option<&str> {
    (gate.name != gate.check).then_some(&gate.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_is_written_as_its_limit_is() {
        for (check, limit, expected) in [
            (
                "balance.max_over_mean_at_end <= 1.05",
                1.05,
                "is 1.23, must be <= 1.05",
            ),
            (
                "balance.max_over_mean_at_end <= 105%",
                1.05,
                "is 123 %, must be <= 105 %",
            ),
            ("cpu_cores.nodes <= 0.5", 0.5, "is 1.23, must be <= 0.5"),
            ("cpu_cores.nodes <= 50%", 0.5, "is 123 %, must be <= 50 %"),
        ] {
            let gate = GateOutcome {
                name: check.to_owned(),
                check: check.to_owned(),
                during: None,
                actual: Some(1.2272),
                limit,
                verdict: Verdict::Failed,
            };
            let claim = gate_claim(&gate);
            assert!(claim.ends_with(expected), "{claim}");
        }
    }
}
