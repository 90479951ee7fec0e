//! Latency of commands over time.

use super::{
    chart::Chart,
    chart_context::ChartContext,
    latency::{self, LatencyTags},
};
use crate::record::names::latency::{COMMAND_RESPONSE, COMMAND_SERVICE};

pub(super) fn chart(context: &ChartContext) -> Chart {
    let tags = LatencyTags {
        response: COMMAND_RESPONSE,
        service: COMMAND_SERVICE,
        action: "command",
    };
    latency::chart(context, "command-latency", "Command latency", &tags)
}
