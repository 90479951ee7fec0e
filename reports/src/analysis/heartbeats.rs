//! Heartbeats of the device sockets.

use super::run_window::Cut;
use crate::{
    record::{
        Role,
        names::{counter, gauge, latency},
    },
    summary::Heartbeats,
};

/// The summary's `heartbeats`.
pub(crate) fn heartbeats(cut: &Cut) -> Heartbeats {
    Heartbeats {
        due: cut.count(counter::HEARTBEATS_DUE),
        sent: cut.count(counter::HEARTBEATS_SENT),
        acknowledged: cut.count(counter::HEARTBEATS_ACKNOWLEDGED),
        missed: cut.count(counter::HEARTBEATS_MISSED),
        late: cut.count(counter::HEARTBEATS_LATE),
        response_ms: cut.times(latency::HEARTBEAT_RESPONSE),
        service_ms: cut.times(latency::HEARTBEAT_SERVICE),
    }
}

/// Heartbeats still without an answer in the last line of each worker; `None`
/// when no worker says.
pub(crate) fn pending(cut: &Cut) -> Option<u64> {
    let workers = cut.tracks.of(Role::Worker);
    let pending: Vec<f64> = workers
        .filter_map(|(_, track)| track.last(gauge::HEARTBEATS_PENDING))
        .collect();
    (!pending.is_empty()).then(|| pending.iter().sum::<f64>() as u64)
}
