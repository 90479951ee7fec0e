//! What was offered and what was achieved, per second.

use highwater_scenarios::figures::Unit;

use super::{
    chart::{Chart, Colour, Series, XAxis, YAxis},
    series::Steps,
};
use crate::{analysis::cut::Cut, record::names::counter};

pub(super) fn chart(cut: &Cut) -> Chart {
    let steps = Steps::of(cut);
    let rate = |name: &'static str| steps.rate(cut, move |line| line.counter(name));
    let mut series = vec![
        Series::dashed(
            "heartbeats due",
            Colour::Series(0),
            rate(counter::HEARTBEATS_DUE),
        ),
        Series::line(
            "heartbeats acknowledged",
            Colour::Series(0),
            rate(counter::HEARTBEATS_ACKNOWLEDGED),
        ),
    ];
    if !cut.record.manifest.plan.commands.is_empty() {
        series.push(Series::dashed(
            "commands due",
            Colour::Series(1),
            rate(counter::COMMANDS_DUE),
        ));
        series.push(Series::line(
            "commands replied",
            Colour::Series(1),
            rate(counter::COMMANDS_REPLIED),
        ));
    }
    Chart {
        name: "throughput",
        title: "Offered and achieved",
        about: "Heartbeats and commands per second: due, and answered.".to_owned(),
        x: XAxis::Time,
        y: YAxis::linear(Unit::PerSecond),
        series,
    }
}
