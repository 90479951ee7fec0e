//! Numbers with a unit.

use std::time::Duration;

use highwater_types::{InvalidQuantity, Rate, duration, format, rate};

use super::{Accepts, FixedForm, ValueType};
use crate::{
    diagnostic::Diagnostic,
    metrics::Unit,
    tree::{TomlItem, TomlValue},
};

/// A duration within bounds.
#[derive(Debug)]
pub(crate) struct DurationRange {
    min: Duration,
    max: Duration,
}

/// A whole number of bytes within bounds.
#[derive(Debug)]
pub(crate) struct SizeRange {
    min: u64,
    max: u64,
}

/// A part of a whole within bounds, read as a plain number: 1 is the whole.
#[derive(Debug)]
pub(crate) struct ShareRange {
    min_percent: u32,
    max_percent: u32,
}

/// Accepts a duration from `min` to `max`.
pub(crate) const fn duration(min: Duration, max: Duration) -> DurationRange {
    DurationRange { min, max }
}

/// Accepts a rate within the bounds of every rate.
pub(crate) const fn rate() -> FixedForm<Rate> {
    FixedForm {
        expected: || {
            "a rate with its unit, such as \"200/s\" or \"12000/min\", from \"0.001/s\" to \
             \"1000000/s\""
                .to_owned()
        },
        read: |item| Ok(rate::parse(quantity_text(item, "/s")?)?),
    }
}

/// Accepts a size from `min` to `max` bytes.
pub(crate) const fn size(min: u64, max: u64) -> SizeRange {
    SizeRange { min, max }
}

/// Accepts a share from `min_percent` to `max_percent` hundredths.
pub(crate) const fn share(min_percent: u32, max_percent: u32) -> ShareRange {
    ShareRange {
        min_percent,
        max_percent,
    }
}

impl Accepts for DurationRange {
    fn expected(&self) -> String {
        format!(
            "a duration with its unit (ms, s, m, h, d), from \"{}\" to \"{}\"",
            format::toml_duration(self.min),
            format::toml_duration(self.max)
        )
    }

    fn is_duration(&self) -> bool {
        true
    }
}

impl ValueType<Duration> for DurationRange {
    fn read(&self, item: &TomlItem) -> Result<Duration, Diagnostic> {
        match duration::parse(quantity_text(item, "s")?)? {
            duration if duration < self.min => Err(Diagnostic::new("too short")),
            duration if duration > self.max => Err(Diagnostic::new("too long")),
            duration => Ok(duration),
        }
    }
}

impl Accepts for SizeRange {
    fn expected(&self) -> String {
        format!(
            "a size with its unit (B, kB, KiB), from \"{}B\" to \"{}B\"",
            self.min, self.max
        )
    }
}

impl ValueType<u64> for SizeRange {
    fn read(&self, item: &TomlItem) -> Result<u64, Diagnostic> {
        // As in gates, so that a size has the same units everywhere.
        let bytes = Unit::Bytes.parse_limit(quantity_text(item, "B")?)?;
        if bytes.fract() != 0.0 {
            return Err(Diagnostic::new("not a whole number of bytes"));
        }
        // A size beyond 64 bits saturates, which is out of range like any other such size.
        match bytes as u64 {
            bytes if (self.min..=self.max).contains(&bytes) => Ok(bytes),
            _ => Err(Diagnostic::new("out of range")),
        }
    }
}

impl Accepts for ShareRange {
    fn expected(&self) -> String {
        format!(
            "a share, from \"{}%\" to \"{}%\"",
            self.min_percent, self.max_percent
        )
    }
}

impl ValueType<f64> for ShareRange {
    fn read(&self, item: &TomlItem) -> Result<f64, Diagnostic> {
        // As in gates, `5%` and `0.05` are the same share.
        let share = Unit::Ratio.parse_limit(quantity_text(item, "%")?)?;
        let [min, max] =
            [self.min_percent, self.max_percent].map(|percent| f64::from(percent) / 100.0);
        match (min..=max).contains(&share) {
            true => Ok(share),
            false => Err(Diagnostic::new("out of range")),
        }
    }
}

impl From<InvalidQuantity> for Diagnostic {
    fn from(diagnostic: InvalidQuantity) -> Self {
        Self::new(diagnostic.message).maybe_hint(diagnostic.hint)
    }
}

/// Returns the text of a quantity; the error for a bare number suggests `unit`.
fn quantity_text<'i>(item: &'i TomlItem, unit: &str) -> Result<&'i str, Diagnostic> {
    match &item.value {
        TomlValue::Text(text) => Ok(text),
        TomlValue::Integer(number) if *number >= 0 => {
            let hint = format!("did you mean \"{number}{unit}\"?");
            Err(Diagnostic::new("a number without its unit").hint(hint))
        }
        _ => Err(Diagnostic::new("not a quantity in quotes")),
    }
}
