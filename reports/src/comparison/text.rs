//! A comparison for a terminal.

use std::fmt::Write;

use super::{
    change::MetricChange,
    compare::RunComparison,
    grid::{Grid, GridCell},
};

impl RunComparison {
    /// Returns the comparison for a terminal: the differing settings, their effect, the
    /// cautions, and the metrics.
    pub fn text(&self) -> String {
        let mut text = format!("{}: {}\n", self.title, self.differences_text);
        if !self.summary_text.is_empty() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}", self.summary_text);
        }
        for caution in &self.cautions {
            let _ = writeln!(text, "NOTE: {caution}");
        }
        for (caption, grid) in [("balancing", &self.balancing), ("metric", &self.metrics)] {
            if !grid.rows.is_empty() {
                text.push('\n');
                text.push_str(&aligned(caption, grid));
            }
        }
        text.push_str(
            "\n+ better, - worse, ~ different: compared with the first, beyond the noise of both\n",
        );
        text
    }
}

/// Aligns the first column to the left and the others to the right.
fn aligned(caption: &str, grid: &Grid) -> String {
    let mut rows = vec![[vec![caption.to_owned()], grid.head.clone()].concat()];
    rows.extend(grid.rows.iter().map(|row| {
        let cells = row.cells.iter().map(marked);
        [row.name.clone()]
            .into_iter()
            .chain(cells)
            .collect::<Vec<String>>()
    }));
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = format!("{:<1$}", row[0], widths[0]);
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            let _ = write!(line, "  {cell:>width$}");
        }
        // Cells without a mark end in blanks, which the last column must not keep.
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
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
