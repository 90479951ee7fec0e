//! What all charts over time share: phases as bands, events as marks.

use highwater_scenarios::plan::Window;

use crate::record::{Occurrence, RunRecord};

/// What happened when, in seconds on the run's clock.
#[derive(Debug, Clone, Default)]
pub(super) struct Timeline {
    /// Name, beginning and end.
    pub(super) phases: Vec<(&'static str, f64, f64)>,
    /// When, and what.
    pub(super) marks: Vec<(f64, String)>,
    /// The last thing recorded.
    pub(super) end: f64,
}

impl Timeline {
    pub(super) fn of(record: &RunRecord) -> Self {
        let named = [
            ("ramp", Window::Ramp),
            ("steady", Window::Steady),
            ("drain", Window::Drain),
        ];
        let end = record.phases.end;
        let phases = named.into_iter().filter_map(|(name, window)| {
            let range = record.phases.range(window)?;
            Some((name, range.start, range.end.min(end)))
        });
        let marks = record.events.iter().filter_map(|event| {
            let text = match &event.what {
                Occurrence::Action { action, node, .. } => format!("{action} {node}"),
                Occurrence::ProcessEnded { id, .. } => format!("{id} ended"),
                Occurrence::WorkerLost { id, .. } => format!("{id} lost"),
                _ => return None,
            };
            Some((event.at, text))
        });
        Self {
            phases: phases.collect(),
            marks: marks.collect(),
            end,
        }
    }
}
