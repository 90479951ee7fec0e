//! What went wrong, per second and by kind.

use highwater_scenarios::figures::Unit;

use super::{
    chart::{Chart, XAxis, YAxis},
    series::Steps,
};
use crate::analysis::{
    cut::Cut,
    failures::{Failure, failures},
};

pub(super) fn chart(cut: &Cut) -> Chart {
    let steps = Steps::of(cut);
    let lines = failures(cut)
        .into_iter()
        .map(|Failure { counter, .. }| {
            let rate = steps.rate(cut, |line| line.counter(&counter)).concat();
            (counter, rate)
        })
        .collect();
    Chart {
        name: "errors",
        title: "Failures by kind",
        about: "Failed connects, ended sockets, missed heartbeats and commands without their \
                reply, per second."
            .to_owned(),
        x: XAxis::Time,
        y: YAxis::linear(Unit::PerSecond),
        series: steps.each("", lines, 0),
    }
}
