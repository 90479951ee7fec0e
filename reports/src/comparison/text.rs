//! A comparison for a terminal.

use std::fmt::Write;

use super::{
    change::MetricChange,
    compare::RunComparison,
    grid::{Grid, GridCell},
};
use crate::text::aligned;

impl RunComparison {
    /// Returns the comparison for a terminal: the differing settings, their effect, the
    /// cautions, the failures, and the metrics.
    pub fn text(&self) -> String {
        let mut text = format!("{}: {}\n", self.title, self.differences_text);
        if !self.summary_text.is_empty() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}", self.summary_text);
        }
        for caution in &self.cautions {
            let _ = writeln!(text, "NOTE: {caution}");
        }
        let failures = self.failures.text();
        if !failures.is_empty() {
            text.push('\n');
            text.push_str(&failures);
        }
        for (caption, grid) in [("balancing", &self.balancing), ("metric", &self.metrics)] {
            if !grid.rows.is_empty() {
                text.push('\n');
                text.push_str(&table(caption, grid));
            }
        }
        text.push_str(
            "\n+ better, - worse, ~ different: compared with the first, beyond the noise of both\n",
        );
        text
    }
}

/// Returns a table with the names of metrics to the left and their values to the right.
fn table(caption: &str, grid: &Grid) -> String {
    let mut rows = vec![[vec![caption.to_owned()], grid.head.clone()].concat()];
    rows.extend(grid.rows.iter().map(|row| {
        let name = std::iter::once(row.name.clone());
        name.chain(row.cells.iter().map(marked)).collect::<Vec<_>>()
    }));
    aligned(&rows, |column| column == 0).join("\n") + "\n"
}

fn marked(cell: &GridCell) -> String {
    let mark = match cell.change {
        Some(MetricChange::Better) => " +",
        Some(MetricChange::Worse) => " -",
        Some(MetricChange::Other) => " ~",
        None => "  ",
    };
    format!("{}{mark}", cell.text)
}
