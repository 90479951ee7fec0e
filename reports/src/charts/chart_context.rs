//! The data that every chart is made from, and the phrases that captions share.

use highwater_scenarios::plan::PhaseWindow;
use highwater_types::format;

use super::{
    chart::Point,
    series::TimeSteps,
    timeline::{Mark, Timeline},
};
use crate::analysis::run_window::RunWindow;

/// Seconds after an event within which a caption relates a value to it.
const RELATED_EVENT_S: f64 = 10.0;

/// A run with the time axis that its charts share.
pub(crate) struct ChartContext<'a> {
    pub(crate) window: &'a RunWindow<'a>,
    pub(crate) timeline: Timeline,
    pub(crate) steps: TimeSteps,
}

impl<'a> ChartContext<'a> {
    pub(crate) fn of(window: &'a RunWindow<'a>) -> Self {
        Self {
            window,
            timeline: Timeline::of(window.record),
            steps: TimeSteps::of(window),
        }
    }

    /// Describes the middle of a step: `at 31 s, 1 s after “kill-node n2”`.
    pub(super) fn describe_time(&self, at: f64) -> String {
        // Points lie in the middle of their step, and captions name its start.
        let half = self.steps.length_s / 2.0;
        let instant = format::seconds((at - half).max(0.0).round());
        match self.timeline.just_before(at + half, RELATED_EVENT_S) {
            None => format!("at {instant}"),
            Some(Mark { at: event, name }) if at - half <= *event => {
                format!("at {instant}, at the time of “{name}”")
            }
            Some(Mark { at: event, name }) => {
                let after = format::seconds((at - half - event).round().max(1.0));
                format!("at {instant}, {after} after “{name}”")
            }
        }
    }

    /// Whether an instant lies in the steady phase.
    pub(super) fn is_steady(&self, at: f64) -> bool {
        let steady = self.window.record.phases.range(PhaseWindow::Steady);
        steady.is_some_and(|range| range.contains(&at))
    }
}

/// Returns the highest point.
pub(super) fn highest_point<'p>(points: impl IntoIterator<Item = &'p Point>) -> Option<Point> {
    let points = points.into_iter().copied();
    // Of equal points the first one counts, so that captions name the earliest time.
    points.reduce(|high, point| if point.1 > high.1 { point } else { high })
}

/// Returns the median, of an even number the upper one.
pub(super) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Joins the sentences that there are.
pub(super) fn join_sentences(parts: impl IntoIterator<Item = Option<String>>) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}
