//! Latency of heartbeats over time.

use super::{
    chart::Chart,
    chart_context::Scene,
    latency::{self, Timed},
};
use crate::record::names::latency::{HEARTBEAT_RESPONSE, HEARTBEAT_SERVICE};

pub(super) fn chart(scene: &Scene) -> Chart {
    let timed = Timed {
        response: HEARTBEAT_RESPONSE,
        service: HEARTBEAT_SERVICE,
        action: "ping",
    };
    latency::chart(scene, "heartbeat-latency", "Heartbeat latency", &timed)
}
