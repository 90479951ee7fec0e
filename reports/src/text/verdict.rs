//! The verdict in a sentence.

use highwater_types::format;

use crate::{
    record::RunEnd,
    summary::{Summary, Verdict},
};

/// Returns the verdict in one sentence.
pub(crate) fn verdict_sentence(summary: &Summary) -> String {
    let name = &summary.scenario;
    let why = verdict_reason(summary);
    let length = format::seconds(summary.duration_s);
    match summary.verdict {
        Verdict::Passed => format!("{name} passed: {why} ({length})."),
        Verdict::Failed => format!("{name} failed: {why} ({length})."),
        Verdict::Inconclusive => format!("{name} is inconclusive: {why} ({length})."),
    }
}

/// Returns the reason for the verdict, and how the run ended if it was not completed.
pub(crate) fn verdict_reason(summary: &Summary) -> String {
    let gates = summary.gates.len();
    let failed = summary
        .gates
        .iter()
        .filter(|gate| gate.verdict == Verdict::Failed);
    let reason = match (summary.verdict, gates, failed.count()) {
        (Verdict::Passed, 0, _) => {
            "it has no gates, and no problem makes it inconclusive".to_owned()
        }
        (Verdict::Passed, 1, _) => "its one gate holds".to_owned(),
        (Verdict::Passed, ..) => format!("all {gates} gates hold"),
        // Before the gates, most of which fail because of it.
        (Verdict::Failed, _, failed) if !summary.target_failures.is_empty() => {
            let first = summary.target_failures.first().cloned();
            let gates = match failed {
                0 => String::new(),
                failed => format!("; {}", failed_gates(failed, gates)),
            };
            first.unwrap_or_default() + &gates
        }
        (Verdict::Failed, _, failed) => failed_gates(failed, gates),
        // The analysis puts the reason for an inconclusive verdict first.
        (Verdict::Inconclusive, ..) => {
            let first = summary.problems.first();
            first
                .map_or("a measurement is missing", String::as_str)
                .to_owned()
        }
    };
    let ended = match summary.ended {
        RunEnd::Interrupted if summary.verdict == Verdict::Failed => "; the run was interrupted",
        RunEnd::Aborted if summary.verdict == Verdict::Failed => "; the run was aborted",
        RunEnd::Truncated if summary.verdict == Verdict::Failed => "; the record is truncated",
        RunEnd::Running if summary.verdict == Verdict::Failed => "; the run is still running",
        _ => "",
    };
    reason + ended
}

fn failed_gates(failed: usize, gates: usize) -> String {
    let verb = if failed == 1 { "does" } else { "do" };
    format!("{failed} of {gates} gates {verb} not hold")
}

/// Returns the verdict in one word.
pub(crate) fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Inconclusive => "inconclusive",
    }
}
