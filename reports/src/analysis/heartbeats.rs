//! Heartbeats of the device sockets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{distribution::Distribution, run_window::RunWindow};
use crate::record::{
    SourceRole,
    names::{counter, gauge, latency},
};

/// The summary's `heartbeats`: counts over the whole run, times over the steady phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the metric registry describes each field")]
pub struct HeartbeatSummary {
    pub due: u64,
    pub sent: u64,
    pub acknowledged: u64,
    pub missed: u64,
    pub late: u64,
    #[serde(default)]
    pub one_way: u64,
    pub response_ms: Distribution,
    pub service_ms: Distribution,
}

/// Computes the section.
pub(super) fn heartbeats(window: &RunWindow) -> HeartbeatSummary {
    HeartbeatSummary {
        due: window.counter_total(counter::HEARTBEATS_DUE),
        sent: window.counter_total(counter::HEARTBEATS_SENT),
        acknowledged: window.counter_total(counter::HEARTBEATS_ACKNOWLEDGED),
        missed: window.counter_total(counter::HEARTBEATS_MISSED),
        late: window.counter_total(counter::HEARTBEATS_LATE),
        one_way: window.counter_total(counter::HEARTBEATS_ONE_WAY),
        response_ms: window.distribution_of(latency::HEARTBEAT_RESPONSE),
        service_ms: window.distribution_of(latency::HEARTBEAT_SERVICE),
    }
}

/// Counts the heartbeats that were pending in the last row of each worker; `None` when no
/// worker reported it.
pub(super) fn pending(window: &RunWindow) -> Option<u64> {
    let workers = window.sources.with_role(SourceRole::Worker);
    // The last row is after the drain began, so these heartbeats never get an outcome.
    let pending = workers.filter_map(|(_, series)| series.last_value(gauge::HEARTBEATS_PENDING));
    let pending = pending.reduce(|sum, value| sum + value)?;
    Some(pending as u64)
}
