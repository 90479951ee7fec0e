//! An axis: its ends, its marks and their labels.

use highwater_scenarios::metrics::Unit;
use highwater_types::format;

use super::{
    chart::{Spacing, YAxis},
    format::width_of,
};

/// An axis ready to be drawn.
#[derive(Debug, Clone)]
pub(super) struct PlotAxis {
    /// First value, in the axis's own spacing.
    pub(super) from: f64,
    /// Last value, in the axis's own spacing.
    pub(super) to: f64,
    /// Marks and their labels.
    pub(super) marks: Vec<(f64, String)>,
    spacing: Spacing,
}

/// Share of the height that stays free above the highest value.
const HEADROOM: f64 = 0.04;

/// Least distance between two labels from left to right, in CSS pixels.
const GAP: f64 = 10.0;

/// Lowest value of a logarithmic axis: a microsecond, in milliseconds. A logarithm has no zero.
const LEAST: f64 = 0.001;

impl PlotAxis {
    /// Returns the place of a value on the axis.
    pub(super) fn position(&self, value: f64) -> f64 {
        match self.spacing {
            Spacing::Linear => value,
            // A value below the axis is drawn on it.
            Spacing::Logarithmic => value.max(LEAST).log10().max(self.from),
        }
    }

    /// Returns the label of the mark at a place.
    pub(super) fn label(&self, place: f64) -> String {
        // The drawing library returns places that went through pixel arithmetic.
        let close = (self.to - self.from).abs() * 1e-6;
        let mark = self
            .marks
            .iter()
            .find(|(at, _)| (at - place).abs() <= close);
        mark.map(|(_, label)| label.clone()).unwrap_or_default()
    }

    /// Creates an upward axis for values between `least` and `most`.
    pub(super) fn y(axis: YAxis, least: f64, most: f64, marks: f64) -> Self {
        match axis.spacing {
            Spacing::Linear => {
                // Marks at round numbers of KiB or MiB, not of bytes.
                let whole = match axis.unit {
                    Unit::Bytes => binary_unit(most),
                    _ => 1.0,
                };
                // The highest value must not touch the frame.
                let most = most * (1.0 + HEADROOM);
                linear_axis(most, marks, whole, |value, step| {
                    label(axis.unit, value, step)
                })
            }
            Spacing::Logarithmic => {
                let most = most.max(LEAST) * (1.0 + HEADROOM);
                logarithmic_axis(axis.unit, least.max(LEAST), most)
            }
        }
    }

    /// Creates an axis of seconds from 0 to `end`.
    pub(super) fn time(end: f64, most_marks: f64) -> Self {
        const STEPS: [f64; 18] = [
            1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0,
            3600.0, 7200.0, 14400.0, 21600.0, 43200.0,
        ];
        // A run that was killed at once has no length, and an axis needs one.
        let end = end.max(1.0);
        let step = STEPS.into_iter().find(|step| end / step <= most_marks);
        // Beyond the table, marks are whole days apart.
        let step = step.unwrap_or((end / most_marks / 86400.0).ceil() * 86400.0);
        let label = |value: f64| match step {
            step if step < 60.0 => format!("{value:.0} s"),
            step if step < 3600.0 => format!("{:.0} min", value / 60.0),
            _ => format!("{:.0} h", value / 3600.0),
        };
        let marks = (0..=(end / step) as u32).map(|index| f64::from(index) * step);
        Self::linear(end, marks.map(|at| (at, label(at))))
    }

    /// Creates an axis of percentiles, from the lowest mark up to `to`, in log10(1 / (1 − p)).
    pub(super) fn percentiles(to: f64) -> Self {
        const MARKS: [(f64, &str); 9] = [
            (0.5, "50 %"),
            (0.75, "75 %"),
            (0.9, "90 %"),
            (0.95, "95 %"),
            (0.99, "99 %"),
            (0.999, "99.9 %"),
            (0.9999, "99.99 %"),
            (0.99999, "99.999 %"),
            (0.999999, "99.9999 %"),
        ];
        let marks = MARKS.map(|(p, label)| (-(1.0_f64 - p).log10(), label.to_owned()));
        // 1 is the 90th percentile, so that an axis of few values still has marks.
        let to = to.max(1.0);
        Self::linear(to, marks.into_iter().filter(|(at, _)| *at <= to))
    }

    /// Creates an axis of sockets from 0 to `most`.
    pub(super) fn sockets(most: f64, marks: f64) -> Self {
        linear_axis(most, marks, 1.0, |value, step| {
            label(Unit::Count, value, step)
        })
    }

    /// Creates an axis of groups side by side, each with its name below its middle.
    pub(super) fn groups(names: &[String]) -> Self {
        let marks = names.iter().enumerate();
        let marks = marks.map(|(index, name)| (index as f64 + 0.5, name.clone()));
        // Without a group the axis still needs a length.
        Self::linear((names.len() as f64).max(1.0), marks)
    }

    /// Creates an axis from 0 to `to` with these marks.
    fn linear(to: f64, marks: impl Iterator<Item = (f64, String)>) -> Self {
        Self {
            from: 0.0,
            to,
            marks: marks.collect(),
            spacing: Spacing::Linear,
        }
    }

    /// Removes marks whose labels would touch the one before them on an axis of this width
    /// in CSS pixels.
    pub(super) fn without_overlaps(mut self, width: f64) -> Self {
        let (from, to) = (self.from, self.to);
        let mut end = f64::NEG_INFINITY;
        self.marks.retain(|(place, label)| {
            let middle = (place - from) / (to - from) * width;
            let half = width_of(label) / 2.0;
            let free = middle - half >= end + GAP;
            if free {
                end = middle + half;
            }
            free
        });
        self
    }
}

/// Creates an axis from 0 to the first mark at or above `most`, in round numbers of `whole`.
fn linear_axis(most: f64, marks: f64, whole: f64, label: impl Fn(f64, f64) -> String) -> PlotAxis {
    let most = if most > 0.0 { most } else { 1.0 };
    let step = round_step(most / marks / whole) * whole;
    // A value exactly on a mark must not add another step by rounding.
    let count = (most / step - 1e-9).ceil() as u32;
    let values = (0..=count).map(|index| f64::from(index) * step);
    let marks = values.map(|value| (value, label(value, step)));
    PlotAxis::linear(f64::from(count) * step, marks)
}

/// Creates an axis of whole powers of ten around the values.
fn logarithmic_axis(unit: Unit, least: f64, most: f64) -> PlotAxis {
    // A value exactly on a power of ten must not add another decade by rounding.
    let from = (least.log10() + 1e-9).floor();
    let to = (most.log10() - 1e-9).ceil().max(from + 1.0);
    // One or two powers alone would leave too few marks to read a value from.
    let between: &[f64] = if to - from <= 2.0 {
        &[1.0, 2.0, 5.0]
    } else {
        &[1.0]
    };
    let marks = (from as i32..=to as i32)
        .flat_map(|power| between.iter().map(move |m| m * 10_f64.powi(power)))
        .map(|value| (value.log10(), label(unit, value, value)))
        .filter(|(place, _)| *place <= to + 1e-9);
    PlotAxis {
        from,
        to,
        marks: marks.collect(),
        spacing: Spacing::Logarithmic,
    }
}

/// Returns the largest power of 1024 that is not above the value.
fn binary_unit(value: f64) -> f64 {
    let mut unit = 1.0;
    while value >= unit * 1024.0 {
        unit *= 1024.0;
    }
    unit
}

/// Returns 1, 2 or 5 times a power of ten, not below `step`.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|f| f * power >= step * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

fn label(unit: Unit, value: f64, step: f64) -> String {
    match unit {
        Unit::Millis => format::millis(value),
        Unit::Seconds => format::seconds(value),
        Unit::Bytes => format::size(value),
        Unit::Share => format!("{:.0} %", value * 100.0),
        Unit::PerSecond => format!("{}/s", label(Unit::Count, value, step)),
        Unit::Count if step >= 1.0 => format::count(value.round() as u64),
        Unit::Count | Unit::Ratio => format::significant(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axis_has_round_marks_and_covers_the_values() {
        let axis = PlotAxis::sockets(4_812.0, 8.0);
        assert_eq!((axis.from, axis.to), (0.0, 5_000.0));
        assert_eq!(axis.label(1_000.0), "1,000");
        let axis = PlotAxis::y(YAxis::times(), 0.3, 1_700.0, 5.0);
        assert_eq!((axis.from, axis.to), (-1.0, 4.0));
        assert_eq!(axis.label(3.0), "1 s");
        let axis = PlotAxis::time(7_300.0, 10.0);
        assert_eq!(axis.marks.last().unwrap().1, "120 min");
    }
}
