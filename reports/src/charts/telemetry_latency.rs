//! Time to the acceptance of a reading over time.

use super::{
    chart::Chart,
    chart_context::ChartContext,
    latency::{self, LatencyTags},
};
use crate::record::names::latency::{TELEMETRY_RESPONSE, TELEMETRY_SERVICE};

pub(super) fn chart(context: &ChartContext) -> Chart {
    let timed = LatencyTags {
        response: TELEMETRY_RESPONSE,
        service: TELEMETRY_SERVICE,
        action: "reading",
    };
    let title = "Reading latency, to its acceptance";
    latency::chart(context, "reading-latency", title, &timed)
}
