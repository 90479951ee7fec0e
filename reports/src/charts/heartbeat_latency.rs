//! Latency of heartbeats over time.

use super::{
    chart::Chart,
    chart_context::ChartContext,
    latency::{self, LatencyTags},
};
use crate::record::names::latency::{HEARTBEAT_RESPONSE, HEARTBEAT_SERVICE};

pub(super) fn chart(context: &ChartContext) -> Chart {
    let tags = LatencyTags {
        response: HEARTBEAT_RESPONSE,
        service: HEARTBEAT_SERVICE,
        action: "heartbeat",
    };
    latency::chart(context, "heartbeat-latency", "Heartbeat latency", &tags)
}
