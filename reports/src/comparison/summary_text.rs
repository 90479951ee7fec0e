//! The effects of the difference between cells, in a few sentences.

use highwater_types::format;

use super::cell::ComparisonCell;
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
        let sentence = |claim, metric: fn(&AfterEvent) -> Option<f64>| {
            event_sentence(cells, number, claim, metric)
        };
        sentences.push(sentence(
            "99 % of the lost sockets were back within",
            |event| event.storm.as_ref()?.t99_s,
        ));
        sentences.push(sentence("connections to it failed for", |event| {
            event.detection.as_ref()?.failed_connects_after_s
        }));
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

/// Describes a time after an event: `After kill-node n2, CLAIM 5 s with nginx.`
fn event_sentence(
    cells: &[ComparisonCell],
    number: usize,
    claim: &str,
    metric: fn(&AfterEvent) -> Option<f64>,
) -> Option<String> {
    let metric = |summary: &Summary| metric(event(summary, number)?);
    let values = values_by_cell(cells, format::seconds, "", metric)?;
    let title = title(cells, number)?;
    Some(format!("After {title}, {claim} {values}."))
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
    let values = cell.runs.iter().filter_map(|run| metric(&run.summary));
    let values: Vec<f64> = values.collect();
    // Runs without the metric are left out, as in the grids.
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
