//! Names of phases and events above a plot, placed so that no name covers another.

use super::{
    format::{Format, width_of},
    timeline::Timeline,
};

/// Most rows of event names; more would leave too little height for the plot.
const MOST_ROWS: usize = 3;
/// Least distance between two names in CSS pixels.
const GAP: f64 = 8.0;

/// A name above the plot.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PlotLabel {
    /// Left edge in CSS pixels from the plot's left edge.
    pub(super) left: f64,
    /// Row from the top.
    pub(super) row: usize,
    pub(super) text: String,
}

/// The names above the plot: rows of events, then the row of phases.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct PlotLabels {
    pub(super) events: Vec<PlotLabel>,
    pub(super) phases: Vec<PlotLabel>,
    /// Number of rows of events and phases together.
    pub(super) rows: usize,
}

/// Places the names of a timeline. Events are shortened to their numbers when their names do
/// not fit.
pub(super) fn labels(timeline: &Timeline, format: Format) -> PlotLabels {
    let width = f64::from(format.plot_width());
    let pixels = |at: f64| at / timeline.end.max(1.0) * width;
    let events: Vec<(f64, &str)> = timeline
        .marks
        .iter()
        .map(|mark| (pixels(mark.at), mark.name.as_str()))
        .collect();
    // The numbers alone are enough, because the page lists the events with their names.
    let events = event_labels(&events, width).unwrap_or_else(|| numbered_labels(&events, width));
    let rows = events.iter().map(|label| label.row + 1).max().unwrap_or(0);
    PlotLabels {
        events,
        phases: phase_labels(timeline, rows, pixels, width),
        rows: rows + usize::from(!timeline.phases.is_empty()),
    }
}

/// Places `1 kill-node n2`, each in the first row that is free there; `None` when the rows
/// do not suffice.
fn event_labels(events: &[(f64, &str)], width: f64) -> Option<Vec<PlotLabel>> {
    let mut ends = [f64::NEG_INFINITY; MOST_ROWS];
    let mut labels = Vec::new();
    for (index, &(at, name)) in events.iter().enumerate() {
        let text = format!("{} {name}", index + 1);
        // A name near the right edge moves left, so that it stays within the plot.
        let left = at.min(width - width_of(&text)).max(0.0);
        let row = ends.iter().position(|end| *end + GAP <= left)?;
        ends[row] = left + width_of(&text);
        labels.push(PlotLabel { left, row, text });
    }
    Some(labels)
}

/// Places the numbers alone in one row. Numbers that would touch share a label: `3–5`.
fn numbered_labels(events: &[(f64, &str)], width: f64) -> Vec<PlotLabel> {
    let mut groups: Vec<(f64, usize, usize)> = Vec::new();
    for (index, &(at, _)) in events.iter().enumerate() {
        let number = index + 1;
        match groups.last_mut() {
            Some((left, first, last))
                if *left + width_of(&number_range(*first, *last)) + GAP > at.min(width) =>
            {
                *last = number;
            }
            _ => groups.push((at, number, number)),
        }
    }
    let label = |(at, first, last): (f64, usize, usize)| {
        let text = number_range(first, last);
        PlotLabel {
            left: at.min(width - width_of(&text)).max(0.0),
            row: 0,
            text,
        }
    };
    groups.into_iter().map(label).collect()
}

fn number_range(first: usize, last: usize) -> String {
    match first == last {
        true => first.to_string(),
        false => format!("{first}–{last}"),
    }
}

/// Places the names of phases, each as near to the phase's beginning as its neighbours and
/// the plot's end allow. A name that does not fit is left out.
fn phase_labels(
    timeline: &Timeline,
    row: usize,
    pixels: impl Fn(f64) -> f64,
    width: f64,
) -> Vec<PlotLabel> {
    let mut labels: Vec<PlotLabel> = Vec::new();
    let mut free = 0.0_f64;
    for (index, &(name, from, _)) in timeline.phases.iter().enumerate() {
        let left = pixels(from).min(width - width_of(name)).max(free);
        let next = timeline.phases.get(index + 1);
        let end = next.map_or(width, |&(next, at, _)| {
            pixels(at)
                .min(width - width_of(next) - GAP)
                .max(left + width_of(name))
        });
        if left + width_of(name) <= end.min(width) {
            free = left + width_of(name) + GAP;
            labels.push(PlotLabel {
                left,
                row,
                text: name.to_owned(),
            });
        }
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::{
        format::{NARROW, WIDE},
        timeline::Mark,
    };

    fn timeline(events: &[f64]) -> Timeline {
        let mark = |&at: &f64| Mark {
            at,
            name: "restart-node n2".to_owned(),
        };
        Timeline {
            phases: vec![
                ("ramp", 0.0, 10.0),
                ("steady", 10.0, 99.0),
                ("drain", 99.0, 100.0),
            ],
            marks: events.iter().map(mark).collect(),
            end: 100.0,
        }
    }

    /// Asserts that no label covers another or leaves the plot.
    fn check(events: &[f64], format: Format) -> PlotLabels {
        let labels = labels(&timeline(events), format);
        let all: Vec<&PlotLabel> = labels.events.iter().chain(&labels.phases).collect();
        for (index, label) in all.iter().enumerate() {
            let right = label.left + width_of(&label.text);
            assert!(
                label.left >= 0.0 && right <= f64::from(format.plot_width()) + 0.01,
                "{label:?}"
            );
            for other in &all[index + 1..] {
                let apart = other.row != label.row
                    || right <= other.left
                    || other.left + width_of(&other.text) <= label.left;
                assert!(apart, "{label:?} {other:?}");
            }
        }
        labels
    }

    #[test]
    fn labels_never_cover_each_other() {
        for format in [WIDE, NARROW] {
            check(&[], format);
            check(&[50.0], format);
            check(&[20.0, 21.0, 22.0, 60.0, 99.9], format);
            let many: Vec<f64> = (0..40).map(|index| f64::from(index) * 2.4).collect();
            check(&many, format);
        }
    }

    #[test]
    fn close_events_are_shortened_to_numbers() {
        let labels = check(&[20.0, 20.1, 20.2, 20.3, 80.0], WIDE);
        let texts: Vec<&str> = labels
            .events
            .iter()
            .map(|label| label.text.as_str())
            .collect();
        assert_eq!(texts, ["1–4", "5"]);
    }
}
