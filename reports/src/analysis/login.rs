//! Logins of devices over HTTP, before their sockets.

use highwater_types::format;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{distribution::Distribution, run_window::RunWindow};
use crate::record::names::{counter, latency};

/// The summary's `login`: counts over the whole run, times over the ramp and the steady phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the metric registry describes each field")]
pub struct LoginSummary {
    pub due: u64,
    pub succeeded: u64,
    pub failed: u64,
    pub renewed: u64,
    pub response_ms: Distribution,
    pub service_ms: Distribution,
}

/// Computes the section; `None` when no pool of the scenario logs in.
pub(super) fn login(window: &RunWindow) -> Option<LoginSummary> {
    let mut pools = window.record.manifest.plan.devices.iter();
    pools
        .any(|pool| pool.login.is_some())
        .then(|| LoginSummary {
            due: window.counter_total(counter::LOGINS_DUE),
            succeeded: window.counter_total(counter::LOGINS_SUCCEEDED),
            failed: window.counter_total(counter::LOGINS_FAILED),
            renewed: window.counter_total(counter::LOGINS_RENEWED),
            response_ms: window.connect_distribution_of(latency::LOGIN_RESPONSE),
            service_ms: window.connect_distribution_of(latency::LOGIN_SERVICE),
        })
}

/// Returns reasons to doubt the section, in words. A login that the end of the run cuts off
/// has no outcome, so that fewer outcomes than logins are no problem.
pub(super) fn problems(login: &LoginSummary) -> Option<String> {
    let outcomes = login.succeeded + login.failed;
    (outcomes > login.due).then(|| {
        format!(
            "logins do not add up: {} due, {} succeeded, {} failed",
            format::count(login.due),
            format::count(login.succeeded),
            format::count(login.failed)
        )
    })
}
