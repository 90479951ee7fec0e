//! The effects of the difference between cells, in a few sentences.

use highwater_types::format;

use super::{
    cell::{CellEstimate, ComparisonCell},
    estimate::Estimate,
};
use crate::{
    record::action_title,
    summary::{AfterEvent, Summary},
};

/// Most events with sentences; the others are in the tables.
const MOST_EVENTS: usize = 3;

/// Describes the evenness at the end and, for each event, the return of lost sockets and the
/// time of failed connects. Empty with one cell, or when fewer than two cells measured any
/// of these.
pub(super) fn summary_text(cells: &[ComparisonCell]) -> String {
    let mut sentences = vec![evenness_sentence(cells)];
    for number in 0..MOST_EVENTS {
        sentences.push(reconnect_sentence(cells, number));
        sentences.push(failed_connects_sentence(cells, number));
    }
    let sentences: Vec<String> = sentences.into_iter().flatten().collect();
    sentences.join(" ")
}

fn evenness_sentence(cells: &[ComparisonCell]) -> Option<String> {
    let metric = |summary: &Summary| summary.balance.as_ref()?.max_over_mean_at_end;
    let values = values_by_cell(
        cells,
        |ratio| format!("{ratio:.2}"),
        " times the mean",
        metric,
    )?;
    Some(format!("At the end, the fullest node held {values}."))
}

fn reconnect_sentence(cells: &[ComparisonCell], number: usize) -> Option<String> {
    let metric = |summary: &Summary| event(summary, number)?.storm.as_ref()?.t99_s;
    let values = values_by_cell(cells, format::seconds, "", metric)?;
    let title = title(cells, number)?;
    Some(format!(
        "After {title}, 99 % of the lost sockets were back within {values}."
    ))
}

fn failed_connects_sentence(cells: &[ComparisonCell], number: usize) -> Option<String> {
    let metric = |summary: &Summary| {
        event(summary, number)?
            .detection
            .as_ref()?
            .failed_connects_after_s
    };
    let values = values_by_cell(cells, format::seconds, "", metric)?;
    let title = title(cells, number)?;
    Some(format!(
        "After {title}, connections to it failed for {values}."
    ))
}

fn event(summary: &Summary, number: usize) -> Option<&AfterEvent> {
    summary.balance.as_ref()?.per_event.get(number)
}

/// Returns the event's title, as the first run has it.
fn title(cells: &[ComparisonCell], number: usize) -> Option<String> {
    let event = event(&cells.first()?.runs.first()?.summary, number)?;
    Some(action_title(&event.event, &event.node))
}

/// Lists each value once, in the order of the cells: `1.23 times the mean with round-robin;
/// 1.00 with least-conn and p2c`. `None` unless two cells measured it.
fn values_by_cell(
    cells: &[ComparisonCell],
    shown: fn(f64) -> String,
    of_what: &str,
    metric: impl Fn(&Summary) -> Option<f64>,
) -> Option<String> {
    let mut values: Vec<(String, Vec<&str>)> = Vec::new();
    for cell in cells {
        let Some(mean) = mean(cell, &metric) else {
            continue;
        };
        let text = shown(mean);
        // Values are grouped as they read, so that equal texts are not repeated.
        match values.iter_mut().find(|(known, _)| *known == text) {
            Some((_, labels)) => labels.push(cell.label.as_str()),
            None => values.push((text, vec![cell.label.as_str()])),
        }
    }
    let measured: usize = values.iter().map(|(_, labels)| labels.len()).sum();
    let parts = values.iter().enumerate().map(|(index, (value, labels))| {
        // The noun stands once, after the first value.
        let of_what = if index == 0 { of_what } else { "" };
        format!("{value}{of_what} with {}", labels.join(" and "))
    });
    (measured > 1).then(|| parts.collect::<Vec<_>>().join("; "))
}

fn mean(cell: &ComparisonCell, metric: impl Fn(&Summary) -> Option<f64>) -> Option<f64> {
    let values = cell.runs.iter().map(|run| {
        let value = metric(&run.summary)?;
        Some(Estimate {
            value,
            margin: None,
        })
    });
    let combined = CellEstimate::of(&values.collect::<Vec<_>>())?;
    Some(combined.estimate.value)
}
