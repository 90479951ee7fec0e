//! Latency of topic messages over time.

use super::{
    chart::Chart,
    chart_context::ChartContext,
    latency::{self, LatencyTags},
};
use crate::record::names::latency::{MESSAGE_LATENCY, MESSAGE_SERVICE};

pub(super) fn chart(context: &ChartContext) -> Chart {
    let tags = LatencyTags {
        // A message has no response; its latency runs from when it was due as well.
        response: MESSAGE_LATENCY,
        service: MESSAGE_SERVICE,
        action: "message",
    };
    latency::chart(context, "message-latency", "Message latency", &tags)
}
