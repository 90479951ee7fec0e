//! Where new sockets went: openings per second at each node, as the clients were
//! answered.

use std::collections::{BTreeMap, BTreeSet};

use highwater_scenarios::metrics::Unit;
use highwater_types::format;

use super::{
    chart::{Chart, Point, XAxis, YAxis},
    chart_context::{ChartContext, join_sentences},
    series::NamedPoints,
};
use crate::{
    analysis::{balance::herding, conn_events::ConnEvents, processes::natural_sort_key},
    metric::display,
};

pub(super) fn chart(scene: &ChartContext) -> Chart {
    let movement = ConnEvents::of(scene.window);
    Chart {
        name: "arrivals".into(),
        title: "New sockets at each node".into(),
        about: about(&movement),
        x: XAxis::Time,
        y: YAxis::linear(Unit::PerSecond),
        // The first colour is the clients' on the chart of open sockets.
        series: scene
            .steps
            .lines_or_band("nodes", by_node(scene, &movement), 1),
        empty_text: None,
    }
}

/// Wherever any node got sockets, those that got none have a zero.
fn by_node(scene: &ChartContext, movement: &ConnEvents) -> NamedPoints {
    let length_s = scene.steps.length_s;
    let mut steps: BTreeMap<i64, BTreeMap<&str, u64>> = BTreeMap::new();
    for tenth in movement.buckets() {
        for (&node, &count) in &tenth.opened {
            let step = (tenth.start_s() / length_s).floor() as i64;
            *steps.entry(step).or_default().entry(node).or_default() += count;
        }
    }
    let nodes: BTreeSet<&str> = steps
        .values()
        .flat_map(|by_node| by_node.keys().copied())
        .collect();
    let mut named: NamedPoints = nodes
        .into_iter()
        .map(|node| {
            let points = steps.iter().map(|(&step, by_node)| -> Point {
                let count = by_node.get(node).copied().unwrap_or(0);
                ((step as f64 + 0.5) * length_s, count as f64 / length_s)
            });
            (node.to_owned(), points.collect())
        })
        .collect();
    named.sort_by_cached_key(|(id, _)| natural_sort_key(id));
    named
}

fn about(movement: &ConnEvents) -> String {
    let mut totals: BTreeMap<&str, u64> = BTreeMap::new();
    for tenth in movement.buckets() {
        for (&node, &count) in &tenth.opened {
            *totals.entry(node).or_default() += count;
        }
    }
    let mut totals: Vec<(&str, u64)> = totals.into_iter().collect();
    totals.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let most = match (totals.first(), totals.last()) {
        (Some((most, sockets)), Some((least, fewest))) if totals.len() > 1 => Some(format!(
            "Of {} openings most went to {most}, {}, and fewest to {least}, {}.",
            format::count(totals.iter().map(|(_, count)| count).sum()),
            format::count(*sockets),
            format::count(*fewest)
        )),
        _ => None,
    };
    let herd = herding(movement.buckets()).map(|herding| {
        format!(
            "The most that one node got of a tenth of a second's openings was {} of {}: {}, at {}.",
            display(Unit::Share, herding.share),
            herding.arrivals,
            herding.node,
            format::seconds(herding.at_s)
        )
    });
    let reading = "Each node is the one that the opening's answer named.".to_owned();
    join_sentences([most, herd, Some(reading)])
}
