//! Endpoints that fail, each failure reported once.

use std::collections::BTreeMap;

use highwater_reports::record::Source;

/// The most reports for one endpoint. A run may last for days, and an endpoint that fails
/// every other second would fill the record.
const MAX_REPORTS: u32 = 5;

/// A filter that reports the beginning of each failure, not every sample that misses.
#[derive(Debug, Default)]
pub(super) struct ScrapeFailures {
    endpoints: BTreeMap<String, EndpointState>,
    unreported: Vec<(Source, String)>,
}

#[derive(Debug, Default)]
struct EndpointState {
    is_failing: bool,
    reports: u32,
}

impl ScrapeFailures {
    /// Records the result of one sample; `reason` is `None` if the endpoint answered.
    pub(super) fn record(&mut self, source: &Source, reason: Option<String>) {
        let state = self.endpoints.entry(source.id.clone()).or_default();
        let was_failing = std::mem::replace(&mut state.is_failing, reason.is_some());
        if let Some(reason) = reason
            && !was_failing
            && state.reports < MAX_REPORTS
        {
            state.reports += 1;
            self.unreported.push((source.clone(), reason));
        }
    }

    /// Takes the failures that have begun since the last call.
    pub(super) fn take_unreported(&mut self) -> Vec<(Source, String)> {
        std::mem::take(&mut self.unreported)
    }
}

#[cfg(test)]
mod tests {
    use highwater_reports::record::SourceRole;

    use super::*;

    #[test]
    fn failure_is_reported_once_each_time_up_to_a_limit() {
        let mut failures = ScrapeFailures::default();
        let source = Source::new(SourceRole::Node, "n1");
        let mut reports = 0;
        for _ in 0..20 {
            failures.record(&source, Some("refused".to_owned()));
            failures.record(&source, Some("refused".to_owned()));
            reports += failures.take_unreported().len();
            failures.record(&source, None);
        }
        assert_eq!(reports, MAX_REPORTS as usize);
    }
}
