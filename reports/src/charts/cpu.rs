//! Processor use over time.

use highwater_scenarios::figures::Unit;

use super::{
    chart::{Chart, XAxis, YAxis},
    series::{Steps, processor_shares},
};
use crate::{analysis::cut::Cut, record::Role};

pub(super) fn chart(cut: &Cut) -> Chart {
    let roles = [Role::Node, Role::Broker, Role::Balancer, Role::Worker];
    let lines = roles.map(|role| processor_shares(cut, role)).concat();
    Chart {
        name: "cpu",
        title: "Processor use",
        about: "Processor time of each process over time that passed: 100 % is one core."
            .to_owned(),
        x: XAxis::Time,
        y: YAxis::linear(Unit::Ratio),
        series: Steps::of(cut).each("", lines, 0),
    }
}
