//! A run against a baseline: each metric that is worse beyond the noise is a failed gate.

use highwater_scenarios::{
    Plan,
    metrics::{Metric, all},
    plan::SystemSpec,
    secrets::mask_address,
};

use super::{
    change::{MetricChange, change, limit},
    comparability::differences,
    estimate::{Estimate, estimates},
};
use crate::{
    analysis::analyse,
    record::RunRecord,
    summary::{GateOutcome, Summary, Verdict},
    unit_format,
};

/// Analyses a run, and compares it with a baseline if there is one.
///
/// Each metric that is worse than the baseline's beyond the noise of both is one more gate.
/// Such a gate fails, unless the run is inconclusive. Each other difference between the two
/// runs is one more problem.
pub fn evaluate(record: &RunRecord, baseline: Option<&RunRecord>) -> Summary {
    let mut summary = analyse(record);
    let Some(baseline) = baseline else {
        return summary;
    };
    // A harness that was the limit makes the comparison doubtful as well.
    let verdict = match summary.verdict {
        Verdict::Inconclusive => Verdict::Inconclusive,
        Verdict::Passed | Verdict::Failed => Verdict::Failed,
    };
    // The baseline is analysed again, because its summary.json may be of an older version.
    let before = estimates(baseline, &analyse(baseline));
    let after = estimates(record, &summary);
    let worse: Vec<GateOutcome> = all()
        .filter_map(|metric| {
            let (before, after) = (before.get(&metric.path)?, after.get(&metric.path)?);
            baseline_gate(&metric, *before, *after, verdict)
        })
        .collect();
    if !worse.is_empty() {
        summary.verdict = verdict;
    }
    summary.gates.extend(worse);
    let differences = differences(baseline, record).into_iter();
    summary
        .problems
        .extend(differences.map(|difference| format!("the baseline differs: {difference}")));
    summary
}

/// Returns why a run of `plan` cannot be judged against one of `baseline`, in words; `None` if
/// it can. Other settings may differ: the effect of one is what a baseline shows.
pub fn baseline_mismatch(plan: &Plan, baseline: &Plan) -> Option<String> {
    if plan.name != baseline.name {
        return Some(format!(
            "it is a run of the scenario {}, and this one is of {}",
            baseline.name, plan.name
        ));
    }
    let [system, other] = [plan, baseline].map(system_in_words);
    (system != other).then(|| format!("its load was put on {other}, and this one's on {system}"))
}

fn system_in_words(plan: &Plan) -> String {
    match &plan.system {
        SystemSpec::Cluster(_) => "a cluster of the harness".to_owned(),
        SystemSpec::Target(target) => {
            let http = target.http.iter().filter(|_| target.ws.is_empty());
            // A record shows no values of queries, and a plan has them.
            let addresses = target
                .ws
                .iter()
                .chain(http)
                .map(|address| mask_address(address));
            addresses.collect::<Vec<_>>().join(", ")
        }
    }
}

/// Returns the gate of a metric that is worse; `None` for any other.
fn baseline_gate(
    metric: &Metric,
    before: Estimate,
    after: Estimate,
    verdict: Verdict,
) -> Option<GateOutcome> {
    let change = change(before, after, metric.direction)?;
    // A better or merely different value is not a regression.
    (change == MetricChange::Worse).then_some(())?;
    Some(GateOutcome {
        name: format!(
            "baseline {}",
            unit_format::with_unit(metric.unit, before.value)
        ),
        check: format!("{} <= baseline", metric.path),
        during: None,
        actual: Some(after.value),
        limit: limit(before, after)?,
        verdict,
    })
}
