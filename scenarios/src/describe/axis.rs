//! Instants of a plan as columns of a terminal.

use std::time::Duration;

/// Columns of the drain, whose length nobody knows beforehand.
const DRAIN: usize = 5;
/// Columns that a ramp takes at least, and at most.
const RAMP: (usize, usize) = (6, 24);

/// Ramp, steady phase and drain, side by side, each with a scale of its own.
/// Seconds count from the start of the steady phase and are negative before.
#[derive(Debug)]
pub(super) struct Axis {
    /// Length of the steady phase.
    pub(super) steady_s: f64,
    /// Length of the ramp.
    pub(super) ramp_s: f64,
    /// Columns of each phase; none for a ramp that opens nothing.
    pub(super) ramp: usize,
    pub(super) steady: usize,
    pub(super) drain: usize,
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    phase: Phase,
    /// Its right edge in seconds; the end of the steady phase in the drain.
    pub(super) ends_at: f64,
    /// Share of the sockets that the drain has closed.
    pub(super) closed: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Ramp,
    Steady,
    Drain,
}

impl Axis {
    /// An axis of `columns` columns.
    pub(super) fn new(ramp: Duration, steady: Duration, columns: usize) -> Self {
        let (ramp_s, steady_s) = (ramp.as_secs_f64(), steady.as_secs_f64());
        let room = columns - DRAIN;
        let proportion = (room as f64 * ramp_s / (ramp_s + steady_s)) as usize;
        let ramp = match ramp.is_zero() {
            true => 0,
            false => proportion.clamp(RAMP.0, RAMP.1),
        };
        Self {
            steady_s,
            ramp_s,
            ramp,
            steady: room - ramp,
            drain: DRAIN,
        }
    }

    /// All columns.
    pub(super) fn columns(&self) -> usize {
        self.ramp + self.steady + self.drain
    }

    /// Seconds of a start: that of the ramp where none is given.
    pub(super) fn instant(&self, start: Option<Duration>) -> f64 {
        start.map_or(-self.ramp_s, |start| start.as_secs_f64())
    }

    /// The column that an instant of the steady phase falls into.
    pub(super) fn column(&self, at: Duration) -> usize {
        let share = (at.as_secs_f64() / self.steady_s).min(1.0);
        self.ramp + (share * self.steady as f64) as usize
    }

    /// One character for each column.
    pub(super) fn fill(&self, draw: impl Fn(Cell) -> char) -> String {
        (0..self.columns())
            .map(|column| draw(self.cell(column)))
            .collect()
    }

    fn cell(&self, column: usize) -> Cell {
        let share = |done: usize, of: usize| (done + 1) as f64 / of as f64;
        if column < self.ramp {
            return Cell {
                phase: Phase::Ramp,
                ends_at: -self.ramp_s * (1.0 - share(column, self.ramp)),
                closed: 0.0,
            };
        }
        if column < self.ramp + self.steady {
            return Cell {
                phase: Phase::Steady,
                ends_at: self.steady_s * share(column - self.ramp, self.steady),
                closed: 0.0,
            };
        }
        Cell {
            phase: Phase::Drain,
            ends_at: self.steady_s,
            closed: share(column - self.ramp - self.steady, self.drain + 1),
        }
    }
}

impl Cell {
    /// Whether it lies in the steady phase.
    pub(super) fn is_steady(self) -> bool {
        self.phase == Phase::Steady
    }
}
