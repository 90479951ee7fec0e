//! The entries of a chart's legend, for the page.

use serde::Serialize;

use super::chart::{Chart, SeriesShape};

/// An entry: its swatch and its label.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LegendEntry {
    label: String,
    /// Colour as a style sheet names it.
    colour: String,
    /// Shape: `line`, `dots`, `band` or `bars`.
    shape: &'static str,
    /// Lengths of strokes and gaps; empty for a solid line.
    dashes: String,
}

/// Returns the entries of all series that have a label.
pub(super) fn legend_entries(chart: &Chart) -> Vec<LegendEntry> {
    chart
        .labelled_series()
        .map(|series| LegendEntry {
            label: series.label.clone(),
            colour: series.colour.variable(),
            shape: match series.shape {
                SeriesShape::Line(_) => "line",
                SeriesShape::Dots(_) => "dots",
                SeriesShape::Band(_) => "band",
                SeriesShape::Bars(_) => "bars",
            },
            dashes: {
                let lengths = series.stroke.pattern().iter().map(i32::to_string);
                lengths.collect::<Vec<_>>().join(" ")
            },
        })
        .collect()
}
