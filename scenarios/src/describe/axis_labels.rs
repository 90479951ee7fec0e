//! The lines above and below the rows of the chart: phases, marks, times.

use std::time::Duration;

use highwater_types::format;

use super::axis::TimelineAxis;
use crate::plan::EventSpec;

/// Returns the phases' names, each above its first column.
pub(super) fn phase_labels(axis: &TimelineAxis) -> String {
    let mut line = LabelRow::new(axis.columns());
    if axis.ramp_columns > 0 {
        line.put(0, "ramp");
    }
    line.put(axis.ramp_columns, "steady");
    line.put(axis.drain_start(), "drain");
    line.into_text()
}

/// Returns a mark at each event, with its node's name where that fits.
pub(super) fn event_marks(axis: &TimelineAxis, events: &[EventSpec]) -> String {
    let mut line = LabelRow::new(axis.columns());
    // All marks first, because a mark matters more than a name.
    for event in events {
        line.put_adjacent(axis.column(event.at), "▲");
    }
    for event in events {
        line.put_adjacent(axis.column(event.at) + 1, &event.node);
    }
    line.into_text()
}

/// Returns the axis: the phases' ends, and a tick at each of `instants`.
pub(super) fn ticks(axis: &TimelineAxis, instants: &[Duration]) -> String {
    let ends = [0, axis.ramp_columns, axis.drain_start()];
    let ticks: Vec<usize> = instants.iter().map(|at| axis.column(*at)).collect();
    (0..axis.columns())
        .map(|column| match column {
            // The order decides where marks meet: the ends, the phases, then instants.
            0 => '├',
            column if column + 1 == axis.columns() => '┤',
            column if ends.contains(&column) => '┼',
            column if ticks.contains(&column) => '┴',
            _ => '─',
        })
        .collect()
}

/// Returns the times below the axis, from the start of the steady phase: the phases' ends,
/// then each of `instants` that fits.
pub(super) fn time_labels(axis: &TimelineAxis, instants: &[Duration]) -> String {
    let mut line = LabelRow::new(axis.columns());
    let duration = Duration::from_secs_f64(axis.steady_s);
    if axis.ramp_columns > 0 {
        let ramp = format::duration(Duration::from_secs_f64(axis.ramp_s));
        line.put(0, &format!("-{ramp}"));
    }
    line.put(axis.ramp_columns, "0s");
    // Before the instants, because the end matters more than any of them.
    let end = format::duration(duration);
    // A long time moves left, where the line would end before it.
    let latest = axis.columns().saturating_sub(end.chars().count());
    line.put(axis.drain_start().min(latest), &end);
    for at in instants {
        line.put(axis.column(*at), &format::duration(*at));
    }
    line.into_text()
}

/// A line of labels, of which none covers an earlier one.
struct LabelRow {
    cells: Vec<char>,
}

impl LabelRow {
    fn new(columns: usize) -> Self {
        Self {
            cells: vec![' '; columns],
        }
    }

    /// Puts `text` at `column` if it fits and touches no other text.
    fn put(&mut self, column: usize, text: &str) {
        if column == 0 || self.cells[column - 1] == ' ' {
            self.put_adjacent(column, text);
        }
    }

    /// Puts `text` at `column` if it fits, also directly behind another text.
    fn put_adjacent(&mut self, column: usize, text: &str) {
        let length = text.chars().count();
        let fits = column + length <= self.cells.len();
        if fits && self.is_free(column, length) {
            for (cell, character) in self.cells[column..].iter_mut().zip(text.chars()) {
                *cell = character;
            }
        }
    }

    /// Whether the cells and the one behind them are empty.
    fn is_free(&self, column: usize, length: usize) -> bool {
        self.cells[column..]
            .iter()
            .take(length + 1)
            .all(|cell| *cell == ' ')
    }

    fn into_text(self) -> String {
        let text: String = self.cells.into_iter().collect();
        text.trim_end().to_owned()
    }
}
