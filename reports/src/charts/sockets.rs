//! Sockets over time: wanted, open at the clients, open at each node.

use highwater_scenarios::figures::Unit;

use super::{
    chart::{Chart, Colour, Series, XAxis, YAxis},
    series::{Steps, gauges},
};
use crate::{
    analysis::{cut::Cut, tracks::Sample},
    record::{Role, names::gauge},
};

pub(super) fn chart(cut: &Cut) -> Chart {
    let steps = Steps::of(cut);
    let total = |role, name| {
        let samples = cut.tracks.total(role, name).into_iter();
        steps.lines(samples.map(|Sample { at_s, value }| (at_s, value)))
    };
    let wanted = total(Role::Coordinator, gauge::SOCKETS_WANTED);
    let clients = total(Role::Worker, gauge::SOCKETS_OPEN);
    let mut series = vec![
        Series::dashed("wanted", Colour::Muted, wanted),
        Series::line("clients", Colour::Series(0), clients),
    ];
    series.extend(steps.each("", gauges(cut, Role::Node, gauge::SOCKETS_OPEN), 1));
    Chart {
        name: "sockets",
        title: "Open sockets",
        about: "What the plan wants open, what the clients hold, and what each node counts."
            .to_owned(),
        x: XAxis::Time,
        y: YAxis::linear(Unit::Count),
        series,
    }
}
