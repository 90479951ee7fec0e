//! Which endpoints give no figures, and why.

use std::collections::BTreeMap;

use highwater_reports::record::Source;

/// Times that one endpoint's failing is told of: a run may last for days.
const TOLD_AT_MOST: u32 = 5;

/// Tells of each failing once, not of each sample that is missing for it.
#[derive(Debug, Default)]
pub(super) struct Failures {
    endpoints: BTreeMap<String, State>,
    untold: Vec<(Source, String)>,
}

#[derive(Debug, Default)]
struct State {
    fails: bool,
    told: u32,
}

impl Failures {
    /// An endpoint was asked; `reason` is why it gave nothing.
    pub(super) fn note(&mut self, source: &Source, reason: Option<String>) {
        let state = self.endpoints.entry(source.id.clone()).or_default();
        let before = std::mem::replace(&mut state.fails, reason.is_some());
        if let Some(reason) = reason
            && !before
            && state.told < TOLD_AT_MOST
        {
            state.told += 1;
            self.untold.push((source.clone(), reason));
        }
    }

    /// What has begun to fail since the last time.
    pub(super) fn take(&mut self) -> Vec<(Source, String)> {
        std::mem::take(&mut self.untold)
    }
}

#[cfg(test)]
mod tests {
    use highwater_reports::record::Role;

    use super::*;

    #[test]
    fn each_failing_is_told_of_once_and_not_for_ever() {
        let mut failures = Failures::default();
        let source = Source::new(Role::Node, "n1");
        let mut told = 0;
        for _ in 0..20 {
            failures.note(&source, Some("refused".to_owned()));
            failures.note(&source, Some("refused".to_owned()));
            told += failures.take().len();
            failures.note(&source, None);
        }
        assert_eq!(told, TOLD_AT_MOST as usize);
    }
}
