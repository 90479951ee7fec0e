//! New sockets per second at each node, by the node that the answers named.

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
    unit_format,
};

pub(super) fn chart(context: &ChartContext) -> Chart {
    let conn_events = ConnEvents::of(context.window);
    Chart {
        name: "arrivals".into(),
        title: "New sockets at each node".into(),
        about: about(&conn_events),
        x: XAxis::Time,
        y: YAxis::linear(Unit::PerSecond),
        // The chart of open sockets gives the first colour to the clients. Starting from
        // the second one gives each node the same colour in both charts.
        series: context
            .steps
            .lines_or_band("nodes", by_node(context, &conn_events), 1),
        empty_text: None,
    }
}

/// Returns each node's rate. A node has a zero in each step in which another one got
/// sockets.
fn by_node(context: &ChartContext, conn_events: &ConnEvents) -> NamedPoints {
    let length_s = context.steps.length_s;
    let mut steps: BTreeMap<i64, BTreeMap<&str, u64>> = BTreeMap::new();
    for bucket in conn_events.buckets() {
        for (&node, &count) in &bucket.opened {
            // Tenths are too fine to draw; a step has at least a second.
            let step = (bucket.start_s() / length_s).floor() as i64;
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

fn about(conn_events: &ConnEvents) -> String {
    let worst = herding(conn_events.buckets()).map(|herding| {
        format!(
            "Within a tenth of a second at {}, {} got {} of {} new sockets, the largest share.",
            format::seconds(herding.at_s),
            herding.node,
            unit_format::with_unit(Unit::Share, herding.share),
            herding.arrivals
        )
    });
    let explanation = "The node is the one that the answer to the handshake names.".to_owned();
    join_sentences([most_and_fewest(conn_events), worst, Some(explanation)])
}

fn most_and_fewest(conn_events: &ConnEvents) -> Option<String> {
    let mut totals: BTreeMap<&str, u64> = BTreeMap::new();
    for bucket in conn_events.buckets() {
        for (&node, &count) in &bucket.opened {
            *totals.entry(node).or_default() += count;
        }
    }
    let mut totals: Vec<(&str, u64)> = totals.into_iter().collect();
    totals.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    // With one node there is nothing to compare.
    let [(most, sockets), .., (least, fewest)] = totals.as_slice() else {
        return None;
    };
    Some(format!(
        "Of {} new sockets, {most} got the most ({}) and {least} the fewest ({}).",
        format::count(totals.iter().map(|(_, count)| count).sum()),
        format::count(*sockets),
        format::count(*fewest)
    ))
}
