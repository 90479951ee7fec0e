//! Which endpoints give no figures, and why.

use std::collections::BTreeMap;

use highwater_reports::record::Source;

/// Times that one endpoint's failing is told of: a run may last for days.
const MAX_REPORTS: u32 = 5;

/// Tells of each failing once, not of each sample that is missing for it.
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
    /// An endpoint was asked; `reason` is why it gave nothing.
    pub(super) fn record(&mut self, source: &Source, reason: Option<String>) {
        let state = self.endpoints.entry(source.id.clone()).or_default();
        let before = std::mem::replace(&mut state.is_failing, reason.is_some());
        if let Some(reason) = reason
            && !before
            && state.reports < MAX_REPORTS
        {
            state.reports += 1;
            self.unreported.push((source.clone(), reason));
        }
    }

    /// What has begun to fail since the last time.
    pub(super) fn take_unreported(&mut self) -> Vec<(Source, String)> {
        std::mem::take(&mut self.unreported)
    }
}

#[cfg(test)]
mod tests {
    use highwater_reports::record::SourceRole;

    use super::*;

    #[test]
    fn each_failing_is_told_of_once_and_not_for_ever() {
        let mut failures = ScrapeFailures::default();
        let source = Source::new(SourceRole::Node, "n1");
        let mut told = 0;
        for _ in 0..20 {
            failures.record(&source, Some("refused".to_owned()));
            failures.record(&source, Some("refused".to_owned()));
            told += failures.take_unreported().len();
            failures.record(&source, None);
        }
        assert_eq!(told, MAX_REPORTS as usize);
    }
}
