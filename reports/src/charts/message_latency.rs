//! Latency of topic messages over time.

use super::{
    chart::Chart,
    chart_context::Scene,
    latency::{self, Timed},
};
use crate::record::names::latency::{MESSAGE_LATENCY, MESSAGE_SERVICE};

pub(super) fn chart(scene: &Scene) -> Chart {
    let timed = Timed {
        response: MESSAGE_LATENCY,
        service: MESSAGE_SERVICE,
        action: "message",
    };
    latency::chart(scene, "message-latency", "Message latency", &timed)
}
