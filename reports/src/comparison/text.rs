//! A comparison for a terminal.

use std::fmt::Write;

use super::{
    change::MetricChange,
    compare::RunComparison,
    grid::{Grid, GridCell},
};

/// What differs, what came of it, what to keep in mind, and the figures.
pub(super) fn text(comparison: &RunComparison) -> String {
    let mut text = format!("{}: {}\n", comparison.title, comparison.differences_text);
    if !comparison.summary_text.is_empty() {
        let _ = writeln!(text, "{}", comparison.summary_text);
    }
    for caution in &comparison.cautions {
        let _ = writeln!(text, "NOTE: {caution}");
    }
    for (caption, grid) in [
        ("balancing", &comparison.balancing),
        ("metric", &comparison.metrics),
    ] {
        if !grid.rows.is_empty() {
            text.push('\n');
            text.push_str(&aligned(caption, grid));
        }
    }
    text.push_str("\n+ better, - worse, ~ other than the first, beyond the noise of both\n");
    text
}

/// The first column to the left, the others to the right.
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
