//! Latency of commands over time.

use super::{
    chart::Chart,
    chart_context::Scene,
    latency::{self, Timed},
};
use crate::record::names::latency::{COMMAND_RESPONSE, COMMAND_SERVICE};

pub(super) fn chart(scene: &Scene) -> Chart {
    let timed = Timed {
        response: COMMAND_RESPONSE,
        service: COMMAND_SERVICE,
        action: "command",
    };
    latency::chart(scene, "command-latency", "Command latency", &timed)
}
