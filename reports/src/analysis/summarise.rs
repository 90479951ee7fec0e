//! The sections of a summary put together.

use super::{
    gates, harness, ledger, problems::problems, run_window::RunWindow, sections::sections,
    source_series::RecordSeries, verdict::verdict,
};
use crate::{record::RunRecord, summary::Summary};

/// What a run showed.
pub fn analyse(record: &RunRecord) -> Summary {
    let tracks = RecordSeries::new(&record.intervals);
    let cut = RunWindow::whole_run(record, &tracks);
    let mut summary = sections(&cut);
    summary.ledger = ledger::ledger(&cut, &summary);
    let harness = harness::assess_harness(&cut, &summary);
    let (outcomes, doubts) = gates::evaluate_gates(record, &tracks, &summary, &harness);
    summary.verdict = verdict(&outcomes, !harness.reasons.is_empty());
    summary.gates = outcomes;
    let others = problems(&cut, &summary);
    for problem in harness.reasons.into_iter().chain(doubts).chain(others) {
        if !summary.problems.contains(&problem) {
            summary.problems.push(problem);
        }
    }
    summary
}
