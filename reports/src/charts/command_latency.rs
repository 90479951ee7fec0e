//! Latency of commands over time.

use super::{
    chart::{Chart, XAxis, YAxis},
    latency::series,
};
use crate::{analysis::cut::Cut, record::names::latency};

pub(super) fn chart(cut: &Cut) -> Chart {
    Chart {
        name: "command-latency",
        title: "Command latency",
        about: "Response and service time of commands: from when a command was due, or sent, to its reply. Where the two \
                part, the harness or a stalled answer kept them waiting."
            .to_owned(),
        x: XAxis::Time,
        y: YAxis::times(),
        series: series(cut, latency::COMMAND_RESPONSE, latency::COMMAND_SERVICE),
    }
}
