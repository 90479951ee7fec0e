//! The units of metrics, and limits written in them.

use highwater_types::{InvalidQuantity, quantity};

/// The unit of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Millis,
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// A number of things.
    Count,
    /// A ratio around 1, read as a number.
    Ratio,
    /// A part of a whole, or of a CPU core, read as a percentage.
    Share,
    /// Things per second.
    PerSecond,
}

impl Unit {
    /// Returns the units that a limit may be written in, with their factors. The empty unit
    /// is a plain number.
    pub(crate) fn accepted_units(self) -> &'static [(&'static str, f64)] {
        match self {
            Self::Millis => &[("ms", 1.0), ("s", 1e3), ("us", 1e-3), ("µs", 1e-3)],
            Self::Seconds => &[("s", 1.0), ("ms", 1e-3), ("m", 60.0), ("h", 3_600.0)],
            Self::Bytes => &[
                ("B", 1.0),
                ("KiB", 1024.0),
                ("MiB", 1_048_576.0),
                ("GiB", 1_073_741_824.0),
                ("kB", 1e3),
                ("MB", 1e6),
                ("GB", 1e9),
            ],
            Self::Count => &[("", 1.0)],
            // Ratios and shares differ in how they read, not in how they may be written.
            Self::Ratio | Self::Share => &[("", 1.0), ("%", 0.01)],
            Self::PerSecond => &[("/s", 1.0), ("/min", 1.0 / 60.0)],
        }
    }

    /// Reads a limit and converts it to this unit.
    pub(crate) fn parse_limit(self, text: &str) -> Result<f64, InvalidQuantity> {
        let (number, unit) = quantity::split_unit(text)?;
        Ok(number * quantity::unit_factor(text, unit, self.accepted_units())?)
    }

    /// Returns the accepted form of a limit, for messages.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::Millis => "a time such as `50ms`, `1.5s` or `800us`",
            Self::Seconds => "a time such as `90s`, `500ms` or `2m`",
            Self::Bytes => "a size such as `4KiB`, `1.5MB` or `800B`",
            Self::Count => "a plain number",
            Self::Ratio => "a plain number or a percentage, such as `1.05` or `105%`",
            Self::Share => "a percentage or a plain number, such as `60%` or `0.6`",
            Self::PerSecond => "a rate such as `200/s` or `12000/min`",
        }
    }

    /// Returns the unit as JSON and tables write it: `ms`, `per_s`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Millis => "ms",
            Self::Bytes => "bytes",
            Self::Seconds => "s",
            Self::Count => "count",
            Self::Ratio => "ratio",
            Self::Share => "share",
            Self::PerSecond => "per_s",
        }
    }

    /// Returns the kind of quantity, for the reference.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Millis | Self::Seconds => "time",
            Self::Bytes => "size",
            Self::Count => "count",
            Self::Ratio => "ratio",
            Self::Share => "share",
            Self::PerSecond => "rate",
        }
    }
}
