//! The values behind a chart over time, for the page's script. They are rounded to four
//! digits and no finer than the drawing, which keeps the page small.

use highwater_scenarios::metrics::Unit;
use serde::Serialize;

use super::{
    chart::{Chart, Series, SeriesShape},
    series::TimeSteps,
};

/// The values of a chart, in the order of its legend.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Tooltip {
    /// Unit: `count`, `rate`, `ms`, `bytes`, `share`, `s`.
    unit: &'static str,
    series: Vec<SeriesValues>,
}

/// One value for each step from the start of the run; null where nothing was measured.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
enum SeriesValues {
    Line(Vec<Option<f64>>),
    /// Lower edges and upper edges.
    Band(Vec<Option<f64>>, Vec<Option<f64>>),
}

impl Tooltip {
    pub(super) fn of(chart: &Chart, steps: TimeSteps) -> Self {
        Self {
            unit: match chart.y.unit {
                Unit::Count | Unit::Ratio => "count",
                Unit::PerSecond => "rate",
                Unit::Millis => "ms",
                Unit::Bytes => "bytes",
                Unit::Share => "share",
                Unit::Seconds => "s",
            },
            // In the order of the legend, whose entries the script fills.
            series: chart
                .labelled_series()
                .map(|series| values(series, steps))
                .collect(),
        }
    }
}

fn values(series: &Series, steps: TimeSteps) -> SeriesValues {
    let placed = |points: Vec<(f64, f64)>| {
        let mut values = Vec::new();
        for (x, y) in points {
            // The script finds a value by its index, so gaps are filled with null.
            let index = (x / steps.length_s).max(0.0) as usize;
            if values.len() <= index {
                values.resize(index + 1, None);
            }
            values[index] = Some(rounded(y));
        }
        values
    };
    match &series.shape {
        SeriesShape::Band(pieces) => {
            let edges = pieces.iter().flatten();
            let low = edges.clone().map(|&(x, low, _)| (x, low)).collect();
            let high = edges.map(|&(x, _, high)| (x, high)).collect();
            SeriesValues::Band(placed(low), placed(high))
        }
        _ => SeriesValues::Line(placed(series.points())),
    }
}

/// Rounds to four digits, and numbers from 1,000 to whole ones.
fn rounded(value: f64) -> f64 {
    if value.abs() >= 1000.0 || value == 0.0 {
        return value.round();
    }
    let unit = 10_f64.powi(3 - value.abs().log10().floor() as i32);
    (value * unit).round() / unit
}
