//! A run against a baseline: worse beyond the noise is a failed gate.

use super::{
    estimate::{Change, compared},
    likeness::differences,
};
use crate::{
    analysis::analyse,
    figure::display,
    record::RunRecord,
    summary::{GateOutcome, Summary, Verdict},
};

/// The summary of a run, its verdict taken again. With a baseline, every figure
/// that is worse than the baseline's beyond the noise of both is a gate more,
/// and fails unless the run is inconclusive; what the two runs differ in besides is a problem more.
pub fn judge(record: &RunRecord, baseline: Option<&RunRecord>) -> Summary {
    let mut summary = analyse(record);
    let Some(baseline) = baseline else {
        return summary;
    };
    // What speaks against the harness speaks against the comparison.
    let verdict = match summary.verdict {
        Verdict::Inconclusive => Verdict::Inconclusive,
        Verdict::Passed | Verdict::Failed => Verdict::Failed,
    };
    let worse: Vec<GateOutcome> = compared(&[baseline, record])
        .iter()
        .filter(|compared| compared.change(1) == Some(Change::Worse))
        .filter_map(|compared| {
            let (figure, before) = (&compared.figure, compared.estimates[0]?.value);
            Some(GateOutcome {
                name: format!("baseline {}", display(figure.unit, before)),
                check: format!("{} <= baseline", figure.path),
                during: None,
                actual: Some(compared.estimates[1]?.value),
                limit: compared.limit(1)?,
                verdict,
            })
        })
        .collect();
    if !worse.is_empty() {
        summary.verdict = verdict;
    }
    summary.gates.extend(worse);
    let differences = differences(baseline, record).into_iter();
    summary
        .problems
        .extend(differences.map(|difference| format!("not like the baseline: {difference}")));
    summary
}
