//! The figures that one looks at first, each with what it is held against: what
//! was asked for, the gates, the baseline.

use serde::Serialize;

use super::headline_metrics::headline_metrics;
use highwater_scenarios::metrics::{Unit, find};

use crate::{
    analysis::summary_metrics::SummaryMetrics,
    summary::{GateOutcome, Summary, Verdict},
    text::{self, metric_of},
    unit_format::with_unit as display,
};

/// Gates beside one figure; the rest is in the table.
const MOST_GATES: usize = 3;

/// A figure at the head of the page.
#[derive(Debug, Serialize)]
pub(super) struct Headline {
    label: &'static str,
    value: String,
    notes: Vec<HeadlineNote>,
}

/// What it is held against.
#[derive(Debug, Serialize)]
struct HeadlineNote {
    /// A verdict, or nothing.
    verdict: &'static str,
    text: String,
}

/// Those of a summary; what was not measured is left out.
pub(super) fn headlines(summary: &Summary, baseline: Option<&Summary>) -> Vec<Headline> {
    let figures = SummaryMetrics::of(summary);
    let before = baseline.map(SummaryMetrics::of);
    headline_metrics(summary)
        .into_iter()
        .filter_map(|subject| {
            let value = figures.get(subject.path)?;
            let unit = find(subject.path).map_or(Unit::Count, |metric| metric.unit);
            let mut notes: Vec<HeadlineNote> = subject.notes.into_iter().map(plain_note).collect();
            let before = before.as_ref().and_then(|before| before.get(subject.path));
            notes.extend(before.map(|before| {
                plain_note(format!(
                    "baseline {}{}",
                    display(unit, before),
                    change(before, value)
                ))
            }));
            notes.extend(gates(summary, subject.gates));
            Some(Headline {
                label: subject.label,
                value: display(unit, value),
                notes,
            })
        })
        .collect()
}

/// Those of a subject, the broken ones first. Gates on connects stand with the
/// connects alone.
fn gates(summary: &Summary, stems: &[&str]) -> Vec<HeadlineNote> {
    let connects = stems.contains(&"sockets.connect");
    let mut gates: Vec<&GateOutcome> = summary
        .gates
        .iter()
        .filter(|gate| {
            let figure = metric_of(&gate.check);
            stems.iter().any(|stem| figure.starts_with(stem))
                && figure.starts_with("sockets.connect") == connects
        })
        .collect();
    gates.sort_by_key(|gate| gate.verdict == Verdict::Passed);
    let left = gates.len().saturating_sub(MOST_GATES);
    let mut notes: Vec<HeadlineNote> = gates.into_iter().take(MOST_GATES).map(gate_note).collect();
    if left > 0 {
        notes.push(plain_note(format!("and {left} more gates")));
    }
    notes
}

/// `✓ missed is 0, must be == 0`, without the part of the path that the figures
/// beside it have in common.
fn gate_note(gate: &GateOutcome) -> HeadlineNote {
    let sign = match gate.verdict {
        Verdict::Passed => "✓ ",
        Verdict::Failed => "✗ fails: ",
        Verdict::Inconclusive => "? open: ",
    };
    let text = text::gate_claim(gate);
    let (_, short) = text.split_once('.').unwrap_or(("", &text));
    HeadlineNote {
        verdict: text::verdict_word(gate.verdict),
        text: format!("{sign}{short}"),
    }
}

fn plain_note(text: String) -> HeadlineNote {
    HeadlineNote { verdict: "", text }
}

/// ` (+5 %)`.
fn change(before: f64, now: f64) -> String {
    match before {
        0.0 => String::new(),
        before => format!(" ({:+.0} %)", (now / before - 1.0) * 100.0),
    }
}
