//! The timeline that all charts over time share: phases as bands, events as marks.

use highwater_scenarios::plan::PhaseWindow;

use crate::record::{RecordEvent, RunRecord, action_title};

/// The phases and events of a run, in seconds on its clock.
#[derive(Debug, Clone, Default)]
pub(crate) struct Timeline {
    /// Name, start and end of each phase.
    pub(crate) phases: Vec<(&'static str, f64, f64)>,
    /// Events in order of time; they are numbered from 1.
    pub(crate) marks: Vec<Mark>,
    /// End of the record.
    pub(crate) end: f64,
}

/// An event on the timeline.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mark {
    /// Seconds on the run's clock.
    pub(crate) at: f64,
    /// Name: `kill-node n2`.
    pub(crate) name: String,
}

impl Timeline {
    pub(crate) fn of(record: &RunRecord) -> Self {
        let named = [
            ("ramp", PhaseWindow::Ramp),
            ("steady", PhaseWindow::Steady),
            ("drain", PhaseWindow::Drain),
        ];
        let end = record.phases.end;
        let phases = named.into_iter().filter_map(|(name, window)| {
            let range = record.phases.range(window)?;
            // The last phase has no end of its own.
            Some((name, range.start, range.end.min(end)))
        });
        let marks = record.events.iter().filter_map(|event| {
            let name = match &event.kind {
                RecordEvent::Action { action, node, .. } => action_title(action, node),
                RecordEvent::ProcessEnded { id, .. } => format!("{id} ended"),
                RecordEvent::WorkerLost { id, .. } => format!("{id} lost"),
                _ => return None,
            };
            Some(Mark { at: event.at, name })
        });
        let mut marks: Vec<Mark> = marks.collect();
        // Events are recorded when they are over, so the file is not in order.
        marks.sort_by(|a, b| a.at.total_cmp(&b.at));
        Self {
            phases: phases.collect(),
            marks,
            end,
        }
    }

    /// Returns the last event at or before an instant, at most `within` seconds older.
    pub(crate) fn just_before(&self, at: f64, within: f64) -> Option<&Mark> {
        let before = self.marks.iter().rev().find(|mark| mark.at <= at);
        before.filter(|mark| at - mark.at <= within)
    }
}
