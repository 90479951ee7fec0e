//! Latency of heartbeats over time.

use super::{
    chart::{Chart, XAxis, YAxis},
    latency::series,
};
use crate::{analysis::cut::Cut, record::names::latency};

pub(super) fn chart(cut: &Cut) -> Chart {
    Chart {
        name: "heartbeat-latency",
        title: "Heartbeat latency",
        about: "Response and service time of heartbeats: from when a ping was due, or sent, to its pong. Where the two \
                part, the harness or a stalled answer kept them waiting."
            .to_owned(),
        x: XAxis::Time,
        y: YAxis::times(),
        series: series(cut, latency::HEARTBEAT_RESPONSE, latency::HEARTBEAT_SERVICE),
    }
}
