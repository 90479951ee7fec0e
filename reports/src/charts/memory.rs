//! Memory of the nodes over time.

use highwater_scenarios::figures::Unit;

use super::{
    chart::{Chart, Series, Shape, XAxis, YAxis},
    series::{Steps, gauges},
};
use crate::{
    analysis::cut::Cut,
    record::{Role, names::gauge},
};

pub(super) fn chart(cut: &Cut) -> Chart {
    let steps = Steps::of(cut);
    let resident = steps.each("resident", gauges(cut, Role::Node, gauge::RSS), 0);
    let heap = steps.each("heap", gauges(cut, Role::Node, gauge::HEAP), 0);
    Chart {
        name: "memory",
        title: "Memory of the nodes",
        about: "Resident memory, and the live bytes of the allocator where a node tells them."
            .to_owned(),
        x: XAxis::Time,
        y: YAxis::linear(Unit::Bytes),
        series: resident
            .into_iter()
            .chain(heap.into_iter().map(dashed))
            .collect(),
    }
}

/// In the colour of its node, but apart from its resident memory.
fn dashed(series: Series) -> Series {
    let shape = match series.shape {
        Shape::Line(pieces) => Shape::Dashed(pieces),
        other => other,
    };
    Series { shape, ..series }
}
