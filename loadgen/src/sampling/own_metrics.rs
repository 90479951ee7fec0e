//! The values of the metrics that a scenario names, from one answer of an endpoint.

use highwater_reports::record::names::gauge;
use highwater_scenarios::plan::OwnMetric;

use super::{
    exposition::{self, Exposition, Sample, SampleKind},
    gauges::Gauges,
};

/// The label of a quantile.
const QUANTILE: &str = "quantile";

/// The least similarity, from 0 to 1, at which a name is proposed instead of another.
const MIN_SIMILARITY: f64 = 0.8;

/// The most series or names that a hint lists.
const MAX_HINTS: usize = 3;

/// Adds the values of `metrics` to `gauges`. Returns those of which no series was found.
pub(super) fn add_own_metrics<'m>(
    metrics: &'m [OwnMetric],
    exposition: &Exposition<'_>,
    gauges: &mut Gauges,
) -> Vec<&'m OwnMetric> {
    let mut missing = Vec::new();
    for metric in metrics {
        match sum(metric, exposition) {
            Some((value, kind)) => {
                gauges.insert(gauge_name(&metric.name, kind), value);
            }
            None => missing.push(metric),
        }
    }
    missing
}

/// Describes what is near to a metric of which `text` has no series: other series of the same
/// name, or names that differ by a slip; `None` where there is nothing near.
pub(super) fn nearest(name: &str, text: &str) -> Option<String> {
    let exposition = exposition::parse(text, |_| true);
    let samples = exposition.samples.iter();
    let mut series: Vec<String> = samples
        .clone()
        .filter(|sample| sample.metric == name)
        .map(Sample::series)
        .collect();
    if !series.is_empty() {
        series.truncate(MAX_HINTS);
        return Some(format!("it has {}", quoted(&series)));
    }
    let mut names: Vec<(f64, &str)> = samples
        .map(|sample| &*sample.metric)
        .map(|other| (strsim::jaro_winkler(name, other), other))
        .filter(|(similarity, _)| *similarity >= MIN_SIMILARITY)
        .collect();
    // The most similar first; series of one name stand together then.
    names.sort_by(|(a, left), (b, right)| b.total_cmp(a).then(left.cmp(right)));
    names.dedup();
    names.truncate(MAX_HINTS);
    let names: Vec<&str> = names.into_iter().map(|(_, other)| other).collect();
    (!names.is_empty()).then(|| format!("did you mean {}?", quoted(&names)))
}

fn quoted(texts: &[impl AsRef<str>]) -> String {
    let texts = texts.iter().map(|text| format!("`{}`", text.as_ref()));
    texts.collect::<Vec<_>>().join(", ")
}

/// Returns the sum of the selected series, and their kind; `None` without a finite one.
fn sum(metric: &OwnMetric, exposition: &Exposition<'_>) -> Option<(f64, SampleKind)> {
    let selector = &metric.selector;
    let is_selected = |sample: &&Sample<'_>| {
        sample.metric == selector.metric()
            // Quantiles of a summary count only where the selector is about them.
            && (sample.kind != SampleKind::Quantile || selector.names_label(QUANTILE))
            && selector.accepts(|label| sample.label(label))
    };
    exposition
        .samples
        .iter()
        .filter(is_selected)
        .filter_map(|sample| Some((sample.finite_value()?, sample.kind)))
        // `reduce` and not `sum`, whose 0 for no samples would be a made-up measurement.
        .reduce(|(sum, kind), (value, _)| (sum + value, kind))
        .filter(|(sum, _)| sum.is_finite())
}

/// Returns the name in the record. Counts are recorded as they are; a report makes rates of
/// them.
fn gauge_name(metric: &str, kind: SampleKind) -> String {
    let family = match kind {
        SampleKind::Counter => gauge::OBSERVED_TOTAL,
        SampleKind::Gauge | SampleKind::Quantile => gauge::OBSERVED,
    };
    format!("{family}.{metric}")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use highwater_scenarios::selector::MetricSelector;

    use super::*;

    const TEXT: &str = "# TYPE depth gauge\n\
                        depth{queue=\"in\",shard=\"1\"} 3\n\
                        depth{queue=\"in\",shard=\"2\"} 4\n\
                        depth{queue=\"out\",shard=\"1\"} 50\n\
                        depth{queue=\"bad\"} NaN\n\
                        # TYPE jobs counter\n\
                        jobs_total{outcome=\"done\"} 70\n\
                        jobs_total{outcome=\"failed\"} 2\n\
                        # TYPE wait summary\n\
                        wait{quantile=\"0.5\"} 0.1\n\
                        wait{quantile=\"0.99\"} 0.9\n\
                        wait_sum 12\n";

    #[test]
    fn selected_series_are_summed_by_their_kind() {
        let metrics = [
            ("in", "depth{queue=\"in\"}"),
            ("all", "depth{queue!=\"bad\"}"),
            ("jobs", "jobs_total"),
            ("failed", "jobs_total{outcome=~\"f.*\"}"),
            ("p99", "wait{quantile=\"0.99\"}"),
            ("waited", "wait_sum"),
            ("nan", "depth{queue=\"bad\"}"),
            ("none", "depth{queue=\"on\"}"),
            ("quantiles", "wait"),
        ];
        let metrics = metrics.map(|(name, selector)| OwnMetric {
            name: name.to_owned(),
            selector: MetricSelector::parse(selector).unwrap(),
        });
        let mut gauges = Gauges::new();
        let exposition = exposition::parse(TEXT, |_| true);
        let missing = add_own_metrics(&metrics, &exposition, &mut gauges);
        let missing: Vec<&str> = missing.iter().map(|metric| &*metric.name).collect();
        assert_eq!(missing, ["nan", "none", "quantiles"]);
        let lines = gauges.iter().map(|(name, value)| format!("{name} {value}"));
        expect![[r#"
            observed.all 57
            observed.in 7
            observed.p99 0.9
            observed_total.failed 2
            observed_total.jobs 72
            observed_total.waited 12"#]]
        .assert_eq(&lines.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn near_series_and_names_are_proposed() {
        let hints = ["depth", "jobs", "dept", "nothing"].map(|name| nearest(name, TEXT));
        let hints = hints.map(|hint| hint.unwrap_or_else(|| "-".to_owned()));
        expect![[r#"
            it has `depth{queue="in",shard="1"}`, `depth{queue="in",shard="2"}`, `depth{queue="out",shard="1"}`
            did you mean `jobs_total`?
            did you mean `depth`?
            -"#]]
        .assert_eq(&hints.join("\n"));
    }
}
