//! The analysis of a whole record, step by step.

use super::{
    gates, harness, ledger, nothing_happened::nothing_happened,
    observed_processes::unmeasured_processes, problems::problems, run_window::RunWindow,
    source_series::RecordSeries, summary::Summary, target_failures::target_failures,
    verdict::verdict,
};
use crate::record::RunRecord;

/// Computes the summary of a record: its sections, the ledger, the gates, the verdict and
/// the problems.
pub fn analyse(record: &RunRecord) -> Summary {
    let sources = RecordSeries::new(&record.intervals);
    let window = RunWindow::whole_run(record, &sources);
    let mut summary = Summary::measure(&window);
    // The ledger comes before the gates and problems, because its differences are problems.
    summary.ledger = ledger::ledger(&window, &summary.client_counts());
    // The harness is assessed over the whole run, whatever windows the gates have.
    let harness = harness::assess_harness(&window, &summary);
    let (outcomes, gate_problems) = gates::evaluate_gates(record, &sources, &summary, &harness);
    summary.target_failures = target_failures(&window, &summary, &harness);
    let target_failed = !summary.target_failures.is_empty();
    // A run that shows nothing of what was asked, or that lacks a measurement which the
    // scenario asks for, does not pass.
    let mut doubts = harness.reasons.clone();
    doubts.extend(nothing_happened(&window, &summary, &harness));
    doubts.extend(unmeasured_processes(&window));
    summary.verdict = verdict(&outcomes, target_failed, !doubts.is_empty());
    summary.gates = outcomes;
    // Failures of the target come first, then the doubts: a verdict without a failed gate
    // names the first problem.
    let others = problems(&window, &summary);
    let target_failures = summary.target_failures.clone();
    for problem in target_failures
        .into_iter()
        .chain(doubts)
        .chain(gate_problems)
        .chain(others)
    {
        // Two checks may find the same cause, such as a lost worker.
        if !summary.problems.contains(&problem) {
            summary.problems.push(problem);
        }
    }
    summary
}
