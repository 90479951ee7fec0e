//! The sockets of each node: before each event, and at the end.

use highwater_scenarios::metrics::Unit;
use highwater_types::format;

use super::{
    chart::{Chart, Colour, Series, SeriesShape, XAxis, YAxis},
    chart_context::{ChartContext, join_sentences},
    theme::SERIES,
};
use crate::{
    analysis::{processes::natural_sort_key, source_series::ANSWERED_WITHIN_S},
    record::{SourceRole, names::gauge},
};

/// Most groups of bars; more would be too narrow to see.
const MAX_COUNT_TIMES: usize = 9;
/// Share of a group's width that its bars take.
const FILLED: f64 = 0.8;

/// An instant at which the sockets of the nodes are counted.
struct CountTime {
    name: String,
    at: f64,
}

pub(super) fn chart(context: &ChartContext) -> Chart {
    let times = count_times(context);
    let mut nodes: Vec<_> = context.window.sources.with_role(SourceRole::Node).collect();
    nodes.sort_by_key(|(id, _)| natural_sort_key(id));
    let counts_by_node: Vec<(String, Vec<Option<f64>>)> = nodes
        .into_iter()
        .map(|(id, series)| {
            let at = |time: &CountTime| series.value_at(gauge::SOCKETS_OPEN, time.at);
            (id.to_owned(), times.iter().map(at).collect())
        })
        .filter(|(_, counts_by_node): &(String, Vec<_>)| counts_by_node.iter().any(Option::is_some))
        .collect();
    Chart {
        name: "sockets-per-node".into(),
        title: "Sockets of each node".into(),
        about: about(context, &counts_by_node),
        x: XAxis::Groups(times.into_iter().map(|time| time.name).collect()),
        y: YAxis::linear(Unit::Count),
        series: match counts_by_node.len() <= SERIES {
            true => bars(&counts_by_node),
            false => ranges(&counts_by_node),
        },
        empty_text: None,
    }
}

/// Returns the instants before each event, and the last one before the drain.
fn count_times(context: &ChartContext) -> Vec<CountTime> {
    let end = context.window.end();
    let marks: Vec<f64> = context.timeline.marks.iter().map(|mark| mark.at).collect();
    let mut times: Vec<CountTime> = marks
        .iter()
        .enumerate()
        .filter(|(_, at)| **at <= end)
        .map(|(index, at)| CountTime {
            name: match index {
                0 => "before 1".to_owned(),
                before => format!("after {before}"),
            },
            // A sample closer to the event may show its effect already.
            at: at - ANSWERED_WITHIN_S,
        })
        .collect();
    // The last place is for the count at the end.
    times.truncate(MAX_COUNT_TIMES - 1);
    times.push(CountTime {
        name: "at the end".to_owned(),
        at: end,
    });
    times
}

fn bars(counts_by_node: &[(String, Vec<Option<f64>>)]) -> Vec<Series> {
    let width = FILLED / counts_by_node.len().max(1) as f64;
    let series = counts_by_node
        .iter()
        .enumerate()
        .map(|(node, (id, counts))| {
            let bars = counts.iter().enumerate().filter_map(|(time, count)| {
                let left = time as f64 + (1.0 - FILLED) / 2.0 + node as f64 * width;
                Some((left, left + width * 0.92, (*count)?))
            });
            // The first colour is that of the clients in the chart of open sockets.
            let colour = Colour::Series(node + 1);
            Series::new(id, colour, SeriesShape::Bars(bars.collect()))
        });
    series.collect()
}

/// Draws a band from the emptiest to the fullest node, and the median.
fn ranges(counts_by_node: &[(String, Vec<Option<f64>>)]) -> Vec<Series> {
    let times = counts_by_node.first().map_or(0, |(_, counts)| counts.len());
    let (mut bands, mut medians) = (Vec::new(), Vec::new());
    for time in 0..times {
        let mut counts: Vec<f64> = counts_by_node
            .iter()
            .filter_map(|(_, counts)| counts[time])
            .collect();
        counts.sort_by(f64::total_cmp);
        let (Some(&least), Some(&most)) = (counts.first(), counts.last()) else {
            continue;
        };
        let (left, right) = (time as f64 + 0.2, time as f64 + 0.8);
        let middle = counts[counts.len() / 2];
        bands.push(vec![(left, least, most), (right, least, most)]);
        medians.push(vec![(left, middle), (right, middle)]);
    }
    Series::band_and_median(
        "nodes",
        counts_by_node.len(),
        Colour::Series(1),
        bands,
        medians,
    )
}

fn about(context: &ChartContext, counts_by_node: &[(String, Vec<Option<f64>>)]) -> String {
    let mut last: Vec<(&str, f64)> = counts_by_node
        .iter()
        .filter_map(|(id, counts)| Some((id.as_str(), (*counts.last()?)?)))
        .collect();
    last.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let end = match (last.first(), last.last()) {
        (Some((full, most)), Some((empty, least))) if last.len() > 1 && most > least => {
            Some(format!(
                "Before the drain, {full} held the most sockets ({}) and {empty} the fewest ({}).",
                format::count(*most as u64),
                format::count(*least as u64)
            ))
        }
        (Some((_, most)), _) if last.len() > 1 => Some(format!(
            "Before the drain, each of {} nodes held {} sockets.",
            last.len(),
            format::count(*most as u64)
        )),
        (Some((only, most)), _) => Some(format!(
            "Before the drain, {only} held all {} sockets.",
            format::count(*most as u64)
        )),
        _ => None,
    };
    let explanation = (!context.timeline.marks.is_empty()).then(|| {
        "Sockets are counted a second before each event and before the drain. The numbers are \
         those of the events. A node without a bar held no socket or did not report."
            .to_owned()
    });
    join_sentences([end, explanation])
}
