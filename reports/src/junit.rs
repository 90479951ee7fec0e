//! `junit.xml`, in which each gate is a test case, so that a CI job shows them by name.
//!
//! A gate that does not hold is a failure. An inconclusive gate is an error, because it is
//! neither a failure of the target nor a pass. A last case, `the run`, is an error when the
//! whole run is inconclusive, and a failure when nothing of what was asked happened. Its output
//! holds the failures and the problems in words.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use crate::{
    analysis::gates::reason_of,
    summary::{GateOutcome, Summary, Verdict},
    text::{actual, failure_sentences, limit, verdict_sentence},
};

/// Returns the summary's gates as JUnit XML.
pub(crate) fn junit(summary: &Summary) -> Result<String, SerializeError> {
    // A damaged record may have a negative or infinite duration.
    let time = Duration::try_from_secs_f64(summary.duration_s).unwrap_or_default();
    let mut suite = TestSuite::new(summary.scenario.as_str());
    suite.set_timestamp(summary.started_at).set_time(time);
    suite.add_test_cases(summary.gates.iter().map(|gate| case(summary, gate)));
    suite.add_test_case(run(summary));
    let mut report = Report::new("highwater");
    report.set_timestamp(summary.started_at).set_time(time);
    report.add_test_suite(suite);
    report.to_string()
}

fn case(summary: &Summary, gate: &GateOutcome) -> TestCase {
    let reason = reason_of(summary, gate).map_or_else(String::new, |reason| format!(": {reason}"));
    let message = format!(
        "{}: is {}, limit {}{reason}",
        gate.check,
        actual(gate),
        limit(gate)
    );
    let mut case = TestCase::new(gate.name.as_str(), status(gate.verdict, &message));
    case.set_classname(summary.scenario.as_str());
    case
}

fn run(summary: &Summary) -> TestCase {
    let verdict = match summary.verdict {
        // A failed gate is a test case of its own already.
        Verdict::Failed if summary.target_failures.is_empty() => Verdict::Passed,
        other => other,
    };
    let mut case = TestCase::new("the run", status(verdict, &verdict_sentence(summary)));
    case.set_classname(summary.scenario.as_str());
    let notes: Vec<String> = failure_sentences(summary)
        .chain(summary.problems.iter().cloned())
        .collect();
    if !notes.is_empty() {
        case.set_system_out(notes.join("\n"));
    }
    case
}

fn status(verdict: Verdict, message: &str) -> TestCaseStatus {
    let mut status = match verdict {
        Verdict::Passed => return TestCaseStatus::success(),
        Verdict::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Inconclusive => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    status.set_message(message);
    status
}
