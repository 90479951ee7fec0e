//! Latency of heartbeats over time.

use super::{
    chart::Chart,
    chart_context::ChartContext,
    latency::{self, LatencyTags},
};
use crate::record::names::latency::{HEARTBEAT_RESPONSE, HEARTBEAT_SERVICE};

pub(super) fn chart(context: &ChartContext) -> Chart {
    let timed = LatencyTags {
        response: HEARTBEAT_RESPONSE,
        service: HEARTBEAT_SERVICE,
        action: "ping",
    };
    latency::chart(context, "heartbeat-latency", "Heartbeat latency", &timed)
}
