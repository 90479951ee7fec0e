//! Instants of a plan as columns of a terminal.

use std::time::Duration;

/// Columns of the drain, whose length is unknown beforehand.
const DRAIN_COLUMNS: usize = 5;
/// Fewest and most columns of a ramp. The phases' names fit into the fewest.
const RAMP_COLUMNS: (usize, usize) = (6, 24);

/// Ramp, steady phase and drain side by side, each with a scale of its own. Seconds count
/// from the start of the steady phase and are negative before.
#[derive(Debug)]
pub(super) struct TimelineAxis {
    /// Length of the steady phase.
    pub(super) steady_s: f64,
    /// Length of the ramp.
    pub(super) ramp_s: f64,
    /// Columns of the ramp; 0 when it opens nothing.
    pub(super) ramp_columns: usize,
    pub(super) steady_columns: usize,
}

/// A column of the axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimelineColumn {
    /// Whether the column lies in the steady phase.
    pub(super) is_steady: bool,
    /// The right edge in seconds; the end of the steady phase in the drain.
    pub(super) end_s: f64,
    /// Share of the sockets that the drain has closed.
    pub(super) drained_share: f64,
}

impl TimelineAxis {
    /// Divides `columns` columns among the phases.
    pub(super) fn new(ramp: Duration, steady: Duration, columns: usize) -> Self {
        let (ramp_s, steady_s) = (ramp.as_secs_f64(), steady.as_secs_f64());
        let available = columns - DRAIN_COLUMNS;
        let proportion = (available as f64 * ramp_s / (ramp_s + steady_s)) as usize;
        let ramp_columns = match ramp.is_zero() {
            true => 0,
            // A ramp that is short beside the steady phase still gets enough columns to be
            // seen, and a long one does not crowd out the events.
            false => proportion.clamp(RAMP_COLUMNS.0, RAMP_COLUMNS.1),
        };
        Self {
            steady_s,
            ramp_s,
            ramp_columns,
            steady_columns: available - ramp_columns,
        }
    }

    /// Returns the number of all columns.
    pub(super) fn columns(&self) -> usize {
        self.drain_start() + DRAIN_COLUMNS
    }

    /// Returns the first column of the drain.
    pub(super) fn drain_start(&self) -> usize {
        self.ramp_columns + self.steady_columns
    }

    /// Returns a start in seconds; without a start it is that of the ramp.
    pub(super) fn start_s(&self, start: Option<Duration>) -> f64 {
        start.map_or(-self.ramp_s, |start| start.as_secs_f64())
    }

    /// Returns the column of an instant of the steady phase.
    pub(super) fn column(&self, at: Duration) -> usize {
        // An instant at the very end would lie beyond the last column.
        let share = (at.as_secs_f64() / self.steady_s).min(1.0);
        self.ramp_columns + (share * self.steady_columns as f64) as usize
    }

    /// Returns a line with one character for each column.
    pub(super) fn draw_columns(&self, draw: impl Fn(TimelineColumn) -> char) -> String {
        (0..self.columns())
            .map(|column| draw(self.column_at(column)))
            .collect()
    }

    fn column_at(&self, column: usize) -> TimelineColumn {
        let share = |done: usize, of: usize| (done + 1) as f64 / of as f64;
        let (is_steady, end_s, drained_share) = if column < self.ramp_columns {
            let open = share(column, self.ramp_columns);
            (false, -self.ramp_s * (1.0 - open), 0.0)
        } else if column < self.drain_start() {
            let done = share(column - self.ramp_columns, self.steady_columns);
            (true, self.steady_s * done, 0.0)
        } else {
            // One more, so that the last column still shows some sockets.
            let drained = share(column - self.drain_start(), DRAIN_COLUMNS + 1);
            (false, self.steady_s, drained)
        };
        TimelineColumn {
            is_steady,
            end_s,
            drained_share,
        }
    }
}
