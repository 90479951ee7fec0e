//! Heartbeats of the device sockets.

use super::run_window::RunWindow;
use crate::{
    record::{
        SourceRole,
        names::{counter, gauge, latency},
    },
    summary::HeartbeatSummary,
};

/// The summary's `heartbeats`.
pub(crate) fn heartbeats(cut: &RunWindow) -> HeartbeatSummary {
    HeartbeatSummary {
        due: cut.counter_total(counter::HEARTBEATS_DUE),
        sent: cut.counter_total(counter::HEARTBEATS_SENT),
        acknowledged: cut.counter_total(counter::HEARTBEATS_ACKNOWLEDGED),
        missed: cut.counter_total(counter::HEARTBEATS_MISSED),
        late: cut.counter_total(counter::HEARTBEATS_LATE),
        response_ms: cut.distribution_of(latency::HEARTBEAT_RESPONSE),
        service_ms: cut.distribution_of(latency::HEARTBEAT_SERVICE),
    }
}

/// Heartbeats still without an answer in the last line of each worker; `None`
/// when no worker says.
pub(crate) fn pending(cut: &RunWindow) -> Option<u64> {
    let workers = cut.series.with_role(SourceRole::Worker);
    let pending: Vec<f64> = workers
        .filter_map(|(_, track)| track.last_value(gauge::HEARTBEATS_PENDING))
        .collect();
    (!pending.is_empty()).then(|| pending.iter().sum::<f64>() as u64)
}
