//! The metrics that a scenario names, and the answers that lack them.

use std::collections::BTreeMap;

use highwater_reports::record::Source;

use super::own_metrics::nearest;

/// The metrics that the scenario names, by the process that has to show them.
///
/// A client library may create a metric only with its first socket, so a metric is
/// missing only if no answer of the whole run had it.
#[derive(Debug, Default)]
pub(super) struct NamedMetrics {
    by_process: BTreeMap<(String, NamedMetric), MetricState>,
}

/// A metric that the scenario names for an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NamedMetric {
    /// The metric of open sockets, by its name at the endpoint.
    Sockets(String),
    /// A further metric.
    Own {
        /// The name in the scenario.
        name: String,
        /// The name of the metric at the endpoint.
        metric: String,
        /// The series that make it up.
        selector: String,
    },
}

#[derive(Debug)]
struct MetricState {
    source: Source,
    url: String,
    /// The series or names that are near to it in the first answer without it.
    nearest: Option<String>,
    was_seen: bool,
    /// Answers since the first one with the metric.
    answers: u64,
    /// The number of these answers that lack it.
    lacking: u64,
}

impl NamedMetrics {
    /// Records an answer of a process: `text` if it lacks the metric.
    pub(super) fn record(
        &mut self,
        source: &Source,
        url: &str,
        metric: NamedMetric,
        text: Option<&str>,
    ) {
        let key = (source.id.clone(), metric);
        let endpoint_name = key.1.endpoint_name().to_owned();
        let state = self.by_process.entry(key).or_insert_with(|| MetricState {
            source: source.clone(),
            url: url.to_owned(),
            // Compared once, because it takes a look at every name of the answer.
            nearest: text.and_then(|text| nearest(&endpoint_name, text)),
            was_seen: false,
            answers: 0,
            lacking: 0,
        });
        state.was_seen |= text.is_none();
        state.answers += u64::from(state.was_seen);
        state.lacking += u64::from(state.was_seen && text.is_some());
    }

    /// Returns the processes that never showed a metric, and those that stopped to show one,
    /// with the reasons.
    pub(super) fn problems(&self) -> Vec<(Source, String)> {
        let problems = self.by_process.iter().filter_map(|((_, metric), state)| {
            let reason = match metric {
                _ if !state.was_seen => state.never_seen(metric),
                NamedMetric::Own { name, .. } if state.lacking > 0 => state.vanished(name),
                _ => return None,
            };
            Some((state.source.clone(), reason))
        });
        problems.collect()
    }
}

impl NamedMetric {
    /// Returns the name of the metric at the endpoint.
    fn endpoint_name(&self) -> &str {
        match self {
            Self::Sockets(name) | Self::Own { metric: name, .. } => name,
        }
    }

    /// Returns the metric as the scenario writes it.
    fn as_written(&self) -> &str {
        match self {
            Self::Sockets(text) | Self::Own { selector: text, .. } => text,
        }
    }
}

impl MetricState {
    fn never_seen(&self, metric: &NamedMetric) -> String {
        let hint = self.nearest.as_ref();
        let hint = hint.map_or_else(String::new, |nearest| format!("; {nearest}"));
        format!(
            "no answer of {} had the metric `{}` that the scenario names{hint}",
            self.url,
            metric.as_written()
        )
    }

    fn vanished(&self, name: &str) -> String {
        format!(
            "the metric `{name}` was missing from {} of {} answers of {}, counted from the first \
             answer that had it",
            self.lacking, self.answers, self.url
        )
    }
}

#[cfg(test)]
mod tests {
    use highwater_reports::record::SourceRole;

    use super::*;

    fn reasons(metrics: &NamedMetrics) -> Vec<String> {
        let problems = metrics.problems().into_iter();
        problems.map(|(_, reason)| reason).collect()
    }

    #[test]
    fn metric_that_comes_late_is_not_missing() {
        let mut metrics = NamedMetrics::default();
        let source = Source::new(SourceRole::Node, "n1");
        let mut record = |text| {
            let metric = NamedMetric::Sockets("ws_conections".to_owned());
            metrics.record(&source, "http://n1/metrics", metric, text);
            reasons(&metrics)
        };
        let lacking = Some("ws_connections 3");
        let expected = "no answer of http://n1/metrics had the metric `ws_conections` that the \
                        scenario names; did you mean `ws_connections`?";
        assert_eq!(record(lacking), [expected]);
        assert_eq!(record(None), [""; 0]);
        assert_eq!(record(lacking), [""; 0]);
    }

    #[test]
    fn own_metric_that_vanishes_is_named() {
        let mut metrics = NamedMetrics::default();
        let source = Source::new(SourceRole::Node, "n1");
        let mut record = |text| {
            let metric = NamedMetric::Own {
                name: "in".to_owned(),
                metric: "depth".to_owned(),
                selector: "depth{queue=\"in\"}".to_owned(),
            };
            metrics.record(&source, "http://n1/m", metric, text);
            reasons(&metrics)
        };
        let expected = "no answer of http://n1/m had the metric `depth{queue=\"in\"}` that the \
                        scenario names; it has `depth{queue=\"out\"}`";
        assert_eq!(record(Some("depth{queue=\"out\"} 1")), [expected]);
        assert_eq!(record(None), [""; 0]);
        assert_eq!(
            record(Some("")),
            [
                "the metric `in` was missing from 1 of 2 answers of http://n1/m, counted from the \
              first answer that had it"
            ]
        );
    }
}
