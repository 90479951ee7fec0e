//! The verdict as `run` and `gate` print it.

use std::fmt::Write;

use crate::{
    figure::{display, unit},
    human,
    record::Ended,
    summary::{GateOutcome, Summary, Verdict},
};

/// Problems beyond this many are only counted: the text has to fit a screen.
const MOST_PROBLEMS: usize = 8;

/// The verdict in one sentence, each gate with what it is and what it may be,
/// and the problems. Ends with a line feed.
pub fn verdict_text(summary: &Summary) -> String {
    let mut text = verdict_sentence(summary);
    text.push('\n');
    for gate in &summary.gates {
        let _ = writeln!(text, "  {}", gate_line(gate));
    }
    if !summary.problems.is_empty() {
        text.push_str("problems:\n");
    }
    for problem in summary.problems.iter().take(MOST_PROBLEMS) {
        let _ = writeln!(text, "  - {problem}");
    }
    if let Some(more @ 1..) = summary.problems.len().checked_sub(MOST_PROBLEMS) {
        let _ = writeln!(text, "  - and {more} more, all of them in the report");
    }
    text
}

/// The verdict in one sentence.
pub(crate) fn verdict_sentence(summary: &Summary) -> String {
    let name = &summary.scenario;
    let why = verdict_reason(summary);
    let length = human::seconds(summary.duration_s);
    match summary.verdict {
        Verdict::Passed => format!("{name} passed: {why} ({length})."),
        Verdict::Failed => format!("{name} failed: {why} ({length})."),
        Verdict::Inconclusive => format!("{name} is inconclusive: {why} ({length})."),
    }
}

/// What the verdict rests on, and how the run ended if it was not completed.
pub(crate) fn verdict_reason(summary: &Summary) -> String {
    let gates = summary.gates.len();
    let failed = summary
        .gates
        .iter()
        .filter(|gate| gate.verdict == Verdict::Failed);
    let reason = match (summary.verdict, gates, failed.count()) {
        (Verdict::Passed, 0, _) => "it has no gates, and nothing speaks against it".to_owned(),
        (Verdict::Passed, 1, _) => "its one gate holds".to_owned(),
        (Verdict::Passed, ..) => format!("all {gates} gates hold"),
        (Verdict::Failed, _, 1) => format!("1 of {gates} gates does not hold"),
        (Verdict::Failed, _, failed) => format!("{failed} of {gates} gates do not hold"),
        (Verdict::Inconclusive, ..) => {
            let first = summary.problems.first();
            first
                .map_or("a measurement is missing", String::as_str)
                .to_owned()
        }
    };
    let ended = match summary.ended {
        Ended::Interrupted if summary.verdict == Verdict::Failed => "; the run was interrupted",
        Ended::Aborted if summary.verdict == Verdict::Failed => "; the run was aborted",
        Ended::Truncated if summary.verdict == Verdict::Failed => "; the record is truncated",
        _ => "",
    };
    reason + ended
}

/// A verdict in one word.
pub(crate) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Inconclusive => "inconclusive",
    }
}

/// The figure that a check names: what stands before the first blank or
/// comparison.
pub(crate) fn figure_of(check: &str) -> &str {
    let end = check.find([' ', '<', '>', '=', '!']);
    &check[..end.unwrap_or(check.len())]
}

/// What a gate's figure was, in words.
pub(crate) fn actual(gate: &GateOutcome) -> String {
    let unit = unit(figure_of(&gate.check));
    gate.actual
        .map_or_else(|| "not measured".to_owned(), |actual| display(unit, actual))
}

/// What a gate's figure may be, in words.
pub(crate) fn limit(gate: &GateOutcome) -> String {
    display(unit(figure_of(&gate.check)), gate.limit)
}

fn gate_line(gate: &GateOutcome) -> String {
    let name = match gate.name == gate.check {
        true => gate.check.clone(),
        false => format!("{}: {}", gate.name, gate.check),
    };
    let during = gate
        .during
        .as_ref()
        .map_or_else(String::new, |during| format!(" during {during}"));
    format!(
        "{:<12} {name}{during}   is {}, limit {}",
        word(gate.verdict),
        actual(gate),
        limit(gate)
    )
}
