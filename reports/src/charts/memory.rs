//! Memory of the system's processes over time: resident, and the allocator's live bytes.

use highwater_scenarios::{figures::Unit, plan::Window};

use super::{
    chart::{Chart, Point, XAxis, YAxis},
    scene::{Scene, sentences},
    series::gauges,
};
use crate::{
    human,
    record::{Role, names::gauge},
};

/// What the machine has given the nodes, and broker and balancers beside them.
pub(super) fn resident(scene: &Scene) -> Chart {
    let reading = "Resident memory is what the system has given each process; not all that is freed goes back at once.";
    chart(
        scene,
        "memory",
        "Resident memory of nodes, broker and balancers",
        gauge::RSS,
        reading,
    )
}

/// What they use of it.
pub(super) fn heap(scene: &Scene) -> Chart {
    let reading = "Live bytes of each process's allocator, without what it keeps in reserve; only from those that tell.";
    chart(
        scene,
        "heap",
        "Heap of nodes, broker and balancers",
        gauge::HEAP,
        reading,
    )
}

fn chart(
    scene: &Scene,
    name: &'static str,
    title: &'static str,
    gauge: &str,
    reading: &str,
) -> Chart {
    let lines = gauges(scene.cut, Role::Node, gauge);
    let growth = growth(scene, &lines);
    let broker = gauges(scene.cut, Role::Broker, gauge);
    let balancers = gauges(scene.cut, Role::Balancer, gauge);
    Chart {
        name: name.into(),
        title: title.into(),
        about: sentences([growth, Some(reading.to_owned())]),
        x: XAxis::Time,
        y: YAxis::linear(Unit::Bytes),
        series: scene.steps.by_role(vec![
            ("nodes", lines),
            ("broker", broker),
            ("balancers", balancers),
        ]),
        when_empty: None,
    }
}

/// How far the node that grew most grew over the steady phase.
fn growth(scene: &Scene, lines: &[(String, Vec<Point>)]) -> Option<String> {
    let phases = &scene.cut.record.phases;
    let range = phases.range(Window::Steady)?;
    let end = range.end.min(phases.end);
    let grown = lines.iter().filter_map(|(id, points)| {
        let mut steady = points.iter().filter(|(at, _)| range.contains(at));
        let (first, last) = (steady.next()?.1, steady.next_back()?.1);
        Some((id, first, last))
    });
    let (id, first, last) = grown.max_by(|a, b| (a.2 - a.1).total_cmp(&(b.2 - b.1)))?;
    let sign = if last >= first { "+" } else { "−" };
    Some(format!(
        "Over the {} of the steady phase {id} changed most, from {} to {} ({sign}{}).",
        human::seconds(end - range.start),
        human::bytes(first),
        human::bytes(last),
        human::bytes((last - first).abs())
    ))
}
