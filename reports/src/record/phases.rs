//! The phases of a run, on its clock.

use std::ops::Range;

use highwater_scenarios::plan::PhaseWindow;

use super::{RecordEvent, TimedEvent};

/// The starts of a run's phases, in seconds on its clock; `None` for a phase that the run did
/// not reach.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Phases {
    /// Start of the ramp: sockets began to open.
    pub ramp: Option<f64>,
    /// Start of the steady phase: each socket of the ramp had opened or failed.
    pub steady: Option<f64>,
    /// Start of the drain: sockets began to close in order.
    pub drain: Option<f64>,
    /// End of the record.
    pub end: f64,
}

impl Phases {
    /// Finds the phases in a record's events. `end` is the end of its last interval.
    pub fn new(events: &[TimedEvent], end: f64) -> Self {
        let mut phases = Self {
            end,
            ..Self::default()
        };
        events.iter().for_each(|event| phases.add(event));
        phases
    }

    /// Takes in an event, which may begin a phase.
    pub(crate) fn add(&mut self, event: &TimedEvent) {
        // The end event is later than the last interval.
        self.end = self.end.max(event.at);
        if let RecordEvent::Phase { phase } = event.kind {
            match phase {
                PhaseWindow::Ramp => self.ramp = Some(event.at),
                PhaseWindow::Steady => self.steady = Some(event.at),
                PhaseWindow::Drain => self.drain = Some(event.at),
                PhaseWindow::Run => {}
            }
        }
    }

    /// Returns the instants of a window; `None` when the run did not reach it.
    pub fn range(&self, window: PhaseWindow) -> Option<Range<f64>> {
        // The last window has no end, so that rows after the last event belong to it.
        const OPEN: f64 = f64::INFINITY;
        match window {
            PhaseWindow::Ramp => Some(self.ramp?..self.steady.or(self.drain).unwrap_or(OPEN)),
            PhaseWindow::Steady => Some(self.steady?..self.drain.unwrap_or(OPEN)),
            PhaseWindow::Drain => Some(self.drain?..OPEN),
            PhaseWindow::Run => Some(f64::NEG_INFINITY..OPEN),
        }
    }

    /// Returns the end of a window, for metrics "at end". The whole run ends before the drain.
    pub fn end_of(&self, window: PhaseWindow) -> Option<f64> {
        let end = match window {
            PhaseWindow::Run => self.drain.unwrap_or(self.end),
            other => self.range(other)?.end,
        };
        // A window without an end of its own ends with the record.
        Some(end.min(self.end))
    }
}
