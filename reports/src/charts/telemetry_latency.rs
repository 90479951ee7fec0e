//! Latency of telemetry over time, up to its acceptance.

use super::{
    chart::Chart,
    chart_context::ChartContext,
    latency::{self, LatencyTags},
};
use crate::record::names::latency::{TELEMETRY_RESPONSE, TELEMETRY_SERVICE};

pub(super) fn chart(context: &ChartContext) -> Chart {
    let tags = LatencyTags {
        response: TELEMETRY_RESPONSE,
        service: TELEMETRY_SERVICE,
        action: "telemetry record",
    };
    latency::chart(
        context,
        "telemetry-latency",
        "Telemetry latency, up to its acceptance",
        &tags,
    )
}
