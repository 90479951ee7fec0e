//! When the phases of a run began, on its clock.

use std::ops::Range;

use highwater_scenarios::plan::PhaseWindow;

use super::{RecordEvent, TimedEvent};

/// When the phases of a run began, in seconds on its clock; `None` for a phase
/// that was not reached.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Phases {
    /// Sockets began to open.
    pub ramp: Option<f64>,
    /// Each socket of the ramp had opened or failed.
    pub steady: Option<f64>,
    /// Sockets began to close in order.
    pub drain: Option<f64>,
    /// The last thing recorded.
    pub end: f64,
}

impl Phases {
    /// From a record's events; `end` is the last instant of its intervals.
    pub fn new(events: &[TimedEvent], end: f64) -> Self {
        let mut phases = Self {
            end,
            ..Self::default()
        };
        for event in events {
            phases.end = phases.end.max(event.at);
            if let RecordEvent::Phase { phase } = event.kind {
                match phase {
                    PhaseWindow::Ramp => phases.ramp = Some(event.at),
                    PhaseWindow::Steady => phases.steady = Some(event.at),
                    PhaseWindow::Drain => phases.drain = Some(event.at),
                    PhaseWindow::Run => {}
                }
            }
        }
        phases
    }

    /// The window's instants; `None` when it was not reached. The last window
    /// reached has no end, so that nothing recorded after the last event falls
    /// out.
    pub fn range(&self, window: PhaseWindow) -> Option<Range<f64>> {
        const OPEN: f64 = f64::INFINITY;
        match window {
            PhaseWindow::Ramp => Some(self.ramp?..self.steady.or(self.drain).unwrap_or(OPEN)),
            PhaseWindow::Steady => Some(self.steady?..self.drain.unwrap_or(OPEN)),
            PhaseWindow::Drain => Some(self.drain?..OPEN),
            PhaseWindow::Run => Some(f64::NEG_INFINITY..OPEN),
        }
    }

    /// When the window ended, for figures "at end": the whole run's is before
    /// the drain.
    pub fn end_of(&self, window: PhaseWindow) -> Option<f64> {
        let end = match window {
            PhaseWindow::Run => self.drain.unwrap_or(self.end),
            other => self.range(other)?.end,
        };
        Some(end.min(self.end))
    }
}
