//! Time to the acceptance of a reading over time.

use super::{
    chart::Chart,
    chart_context::ChartContext,
    latency::{self, LatencyTags},
};
use crate::record::names::latency::{TELEMETRY_RESPONSE, TELEMETRY_SERVICE};

pub(super) fn chart(scene: &ChartContext) -> Chart {
    let timed = LatencyTags {
        response: TELEMETRY_RESPONSE,
        service: TELEMETRY_SERVICE,
        action: "telemetry",
    };
    let title = "Telemetry latency, to its acceptance";
    latency::chart(scene, "telemetry-latency", title, &timed)
}
