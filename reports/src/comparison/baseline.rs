//! A run against a baseline: worse beyond the noise is a failed gate.

use crate::unit_format;
use highwater_scenarios::metrics::{Metric, all};

use super::{
    change::{MetricChange, change, limit},
    comparability::differences,
    estimate::{Estimate, estimates},
};
use crate::{
    analysis::analyse,
    record::RunRecord,
    summary::{GateOutcome, Summary, Verdict},
};

/// The summary of a run, its verdict taken again. With a baseline, every figure
/// that is worse than the baseline's beyond the noise of both is a gate more,
/// and fails unless the run is inconclusive; what the two runs differ in besides is a problem more.
pub fn evaluate(record: &RunRecord, baseline: Option<&RunRecord>) -> Summary {
    let mut summary = analyse(record);
    let Some(baseline) = baseline else {
        return summary;
    };
    // What speaks against the harness speaks against the comparison.
    let verdict = match summary.verdict {
        Verdict::Inconclusive => Verdict::Inconclusive,
        Verdict::Passed | Verdict::Failed => Verdict::Failed,
    };
    let before = estimates(baseline, &analyse(baseline));
    let after = estimates(record, &summary);
    let worse: Vec<GateOutcome> = all()
        .filter_map(|figure| {
            let (before, after) = (before.get(&figure.path)?, after.get(&figure.path)?);
            baseline_gate(&figure, *before, *after, verdict)
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

/// `None` for a figure that is not worse.
fn baseline_gate(
    figure: &Metric,
    before: Estimate,
    after: Estimate,
    verdict: Verdict,
) -> Option<GateOutcome> {
    let change = change(before, after, figure.direction())?;
    (change == MetricChange::Worse).then_some(())?;
    Some(GateOutcome {
        name: format!(
            "baseline {}",
            unit_format::with_unit(figure.unit, before.value)
        ),
        check: format!("{} <= baseline", figure.path),
        during: None,
        actual: Some(after.value),
        limit: limit(before, after)?,
        verdict,
    })
}
