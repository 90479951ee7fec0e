//! The adapter of an axis to the drawing library, which asks where values and marks are.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

use super::axis::PlotAxis;

impl Ranged for PlotAxis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        // `position` has applied the spacing already, so places are linear here.
        let part = (value - self.from) / (self.to - self.from);
        let offset = (part * f64::from(limit.1 - limit.0)).round() as i32;
        // The library also asks for values outside of the axis, and a record can contain any.
        limit.0.saturating_add(offset)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // The library asks twice, for bold and for light lines; only bold ones are drawn.
        match hint.weight().allow_light_points() {
            true => Vec::new(),
            false => self.marks.iter().map(|&(place, _)| place).collect(),
        }
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}
