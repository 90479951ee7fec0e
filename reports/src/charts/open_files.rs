//! Open files over time.

use highwater_scenarios::figures::Unit;

use super::{
    chart::{Chart, XAxis, YAxis},
    series::{Steps, gauges},
};
use crate::{
    analysis::cut::Cut,
    record::{Role, names::gauge},
};

pub(super) fn chart(cut: &Cut) -> Chart {
    let roles = [Role::Node, Role::Balancer, Role::Worker];
    let lines = roles
        .map(|role| gauges(cut, role, gauge::OPEN_FILES))
        .concat();
    Chart {
        name: "open-files",
        title: "Open files",
        about: "File descriptors of each process; a socket is one of them.".to_owned(),
        x: XAxis::Time,
        y: YAxis::linear(Unit::Count),
        series: Steps::of(cut).each("", lines, 0),
    }
}
