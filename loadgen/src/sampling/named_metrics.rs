//! The metrics of open sockets that a scenario names, and those that no answer had.

use std::collections::BTreeMap;

use highwater_reports::record::Source;

use super::exposition;

/// The least similarity, from 0 to 1, at which a name is proposed instead of another.
const MIN_SIMILARITY: f64 = 0.8;

/// The metrics that the scenario names, by the process that has to show them.
///
/// A client library may create a metric only with its first socket, so a metric is
/// missing only if no answer of the whole run had it.
#[derive(Debug, Default)]
pub(super) struct NamedMetrics {
    /// The last answer that lacked the metric; `None` once an answer had it.
    missing: BTreeMap<String, Option<(Source, MissingMetric)>>,
}

/// An answer that lacks the metric that the scenario names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MissingMetric {
    url: String,
    name: String,
    nearest: Option<String>,
}

impl NamedMetrics {
    /// Records an answer: the metric that it lacks, or `None` if it has the metric.
    pub(super) fn record(&mut self, source: &Source, missing: Option<MissingMetric>) {
        let known = self.missing.get(&source.id);
        if known.is_some_and(Option::is_none) {
            return;
        }
        let missing = missing.map(|missing| (source.clone(), missing));
        self.missing.insert(source.id.clone(), missing);
    }

    /// Returns the processes that never showed their metric, with the reasons.
    pub(super) fn never_seen(&self) -> Vec<(Source, String)> {
        let missing = self.missing.values().flatten();
        missing
            .map(|(source, missing)| (source.clone(), missing.reason()))
            .collect()
    }
}

impl MissingMetric {
    /// Describes the lack of `name` in `text`, the answer of `url`.
    pub(super) fn new(url: &str, name: &str, text: &str) -> Self {
        let exposition = exposition::parse(text, |_| true);
        let names = exposition.samples.iter().map(|sample| &*sample.metric);
        let nearest = names
            .map(|other| (strsim::jaro_winkler(name, other), other))
            .filter(|(similarity, _)| *similarity >= MIN_SIMILARITY)
            .max_by(|(left, _), (right, _)| left.total_cmp(right));
        Self {
            url: url.to_owned(),
            name: name.to_owned(),
            nearest: nearest.map(|(_, other)| other.to_owned()),
        }
    }

    fn reason(&self) -> String {
        let Self { url, name, .. } = self;
        let hint = match &self.nearest {
            Some(nearest) => format!("; did you mean `{nearest}`?"),
            None => String::new(),
        };
        format!("no answer of {url} had the metric `{name}` that the scenario names{hint}")
    }
}

#[cfg(test)]
mod tests {
    use highwater_reports::record::SourceRole;

    use super::*;

    #[test]
    fn metric_that_comes_late_is_not_missing() {
        let mut metrics = NamedMetrics::default();
        let source = Source::new(SourceRole::Node, "n1");
        let missing = MissingMetric::new("http://n1/metrics", "ws_conections", "ws_connections 3");
        metrics.record(&source, Some(missing.clone()));
        let reasons: Vec<String> = metrics.never_seen().into_iter().map(|(_, r)| r).collect();
        assert_eq!(
            reasons,
            [
                "no answer of http://n1/metrics had the metric `ws_conections` that the scenario \
                 names; did you mean `ws_connections`?"
            ]
        );
        metrics.record(&source, None);
        metrics.record(&source, Some(missing));
        assert_eq!(metrics.never_seen(), []);
    }
}
