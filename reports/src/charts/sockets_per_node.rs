//! Who holds how many sockets: when the ramp was over, after each event, and at
//! the end.

use highwater_scenarios::metrics::Unit;

use super::{
    chart::{Chart, Colour, Series, SeriesShape, Stroke, XAxis, YAxis},
    chart_context::{ChartContext, join_sentences},
    theme::SERIES,
};
use crate::{
    analysis::{processes::natural_sort_key, source_series::ANSWERED_WITHIN_S},
    human,
    record::{SourceRole, names::gauge},
};

/// Most groups of bars, which have to stay wide enough to be seen.
const MAX_COUNT_TIMES: usize = 9;
/// Part of a group's width that its bars take.
const FILLED: f64 = 0.8;

/// An instant at which the nodes are counted.
struct CountTime {
    name: String,
    at: f64,
}

pub(super) fn chart(scene: &ChartContext) -> Chart {
    let moments = count_times(scene);
    let mut nodes: Vec<_> = scene.window.series.with_role(SourceRole::Node).collect();
    nodes.sort_by_key(|(id, _)| natural_sort_key(id));
    let held: Vec<(String, Vec<Option<f64>>)> = nodes
        .into_iter()
        .map(|(id, track)| {
            let at = |moment: &CountTime| track.value_at(gauge::SOCKETS_OPEN, moment.at);
            (id.to_owned(), moments.iter().map(at).collect())
        })
        .filter(|(_, held): &(String, Vec<_>)| held.iter().any(Option::is_some))
        .collect();
    Chart {
        name: "sockets-per-node".into(),
        title: "Sockets held by each node".into(),
        about: about(scene, &held),
        x: XAxis::Groups(moments.into_iter().map(|moment| moment.name).collect()),
        y: YAxis::linear(Unit::Count),
        series: match held.len() <= SERIES {
            true => bars(&held),
            false => ranges(&held),
        },
        empty_text: None,
    }
}

/// The state that each event found, and the last before the drain.
fn count_times(scene: &ChartContext) -> Vec<CountTime> {
    let end = scene.window.end();
    let marks: Vec<f64> = scene.timeline.marks.iter().map(|mark| mark.at).collect();
    let mut moments: Vec<CountTime> = marks
        .iter()
        .enumerate()
        .filter(|(_, at)| **at <= end)
        .map(|(index, at)| CountTime {
            name: match index {
                0 => "before 1".to_owned(),
                before => format!("after {before}"),
            },
            at: at - ANSWERED_WITHIN_S,
        })
        .collect();
    moments.truncate(MAX_COUNT_TIMES - 1);
    moments.push(CountTime {
        name: "at the end".to_owned(),
        at: end,
    });
    moments
}

fn bars(held: &[(String, Vec<Option<f64>>)]) -> Vec<Series> {
    let width = FILLED / held.len().max(1) as f64;
    let series = held.iter().enumerate().map(|(node, (id, counts))| {
        let bars = counts.iter().enumerate().filter_map(|(moment, count)| {
            let left = moment as f64 + (1.0 - FILLED) / 2.0 + node as f64 * width;
            Some((left, left + width * 0.92, (*count)?))
        });
        Series {
            label: id.clone(),
            colour: Colour::Series(node + 1),
            stroke: Stroke::Solid,
            shape: SeriesShape::Bars(bars.collect()),
        }
    });
    series.collect()
}

/// From the emptiest to the fullest node, with the median across.
fn ranges(held: &[(String, Vec<Option<f64>>)]) -> Vec<Series> {
    let moments = held.first().map_or(0, |(_, counts)| counts.len());
    let (mut bands, mut medians) = (Vec::new(), Vec::new());
    for moment in 0..moments {
        let mut counts: Vec<f64> = held
            .iter()
            .filter_map(|(_, counts)| counts[moment])
            .collect();
        counts.sort_by(f64::total_cmp);
        let (Some(&least), Some(&most)) = (counts.first(), counts.last()) else {
            continue;
        };
        let (left, right) = (moment as f64 + 0.2, moment as f64 + 0.8);
        let middle = counts[counts.len() / 2];
        bands.push(vec![(left, least, most), (right, least, most)]);
        medians.push(vec![(left, middle), (right, middle)]);
    }
    let colour = Colour::Series(1);
    vec![
        Series {
            label: format!("nodes, least to most of {}", held.len()),
            colour,
            stroke: Stroke::Solid,
            shape: SeriesShape::Band(bands),
        },
        Series::line("nodes, median", colour, medians),
    ]
}

fn about(scene: &ChartContext, held: &[(String, Vec<Option<f64>>)]) -> String {
    let mut last: Vec<(&str, f64)> = held
        .iter()
        .filter_map(|(id, counts)| Some((id.as_str(), (*counts.last()?)?)))
        .collect();
    last.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let end = match (last.first(), last.last()) {
        (Some((full, most)), Some((empty, least))) if last.len() > 1 && most > least => {
            Some(format!(
                "Before the drain the fullest node was {full} with {}, the emptiest {empty} with {}.",
                human::count(*most as u64),
                human::count(*least as u64)
            ))
        }
        (Some((_, most)), _) if last.len() > 1 => Some(format!(
            "Before the drain each of {} nodes held {}.",
            last.len(),
            human::count(*most as u64)
        )),
        (Some((only, most)), _) => Some(format!(
            "Before the drain {only} held all {}.",
            human::count(*most as u64)
        )),
        _ => None,
    };
    let reading = (!scene.timeline.marks.is_empty()).then(|| {
        "Counted a second before each event, which shows what the one before it led to, and before the \
         drain. The numbers are the events'; a node without a bar held none, or did not say."
            .to_owned()
    });
    join_sentences([end, reading])
}
