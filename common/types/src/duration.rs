//! Durations: their units, their reading from text, and their form in JSON.

use std::time::Duration;

use crate::quantity::{InvalidQuantity, split_unit, unit_factor};

/// One millisecond.
pub const MILLISECOND: Duration = Duration::from_millis(1);
/// One second.
pub const SECOND: Duration = Duration::from_secs(1);
/// One minute.
pub const MINUTE: Duration = Duration::from_secs(60);
/// One hour.
pub const HOUR: Duration = Duration::from_secs(3_600);
/// One day.
pub const DAY: Duration = Duration::from_secs(86_400);

/// Longest duration that text may name, in milliseconds. A float holds every whole
/// number up to 2^53, which is 9 times as much.
const MAX_MILLIS: f64 = 1e15;

/// Farthest that a text may be from a whole number of milliseconds. Decimal fractions
/// such as 0.1 are not exact in binary.
const ROUNDING_ERROR: f64 = 1e-6;

/// Units of a duration and how many milliseconds each has.
const UNITS: [(&str, f64); 5] = [
    ("ms", 1.0),
    ("s", 1_000.0),
    ("m", 60_000.0),
    ("h", 3_600_000.0),
    ("d", 86_400_000.0),
];

/// Reads a duration in whole milliseconds, such as `500ms`, `20s`, `3m` or `1.5h`.
///
/// ```
/// use highwater_types::duration::{self, MINUTE};
///
/// assert_eq!(duration::parse("1.5h").unwrap(), 90 * MINUTE);
/// let error = duration::parse("20").unwrap_err();
/// assert_eq!(error.hint.as_deref(), Some("did you mean `20ms` or `20s`?"));
/// ```
///
/// # Errors
///
/// [`InvalidQuantity`] if the unit is missing or unknown, and if the duration is too
/// fine or too long.
pub fn parse(text: &str) -> Result<Duration, InvalidQuantity> {
    let (number, unit) = split_unit(text)?;
    let millis = number * unit_factor(text, unit, &UNITS)?;
    let whole = millis.round();
    if (millis - whole).abs() > ROUNDING_ERROR {
        return Err(InvalidQuantity::new("a duration finer than a millisecond"));
    }
    if whole > MAX_MILLIS {
        return Err(InvalidQuantity::new("a duration of thousands of years"));
    }
    Ok(Duration::from_millis(whole as u64))
}

/// A duration in JSON: a whole number of milliseconds.
pub mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes whole milliseconds.
    ///
    /// # Errors
    ///
    /// The serializer's error.
    pub fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        // A u64 of milliseconds lasts for 584 million years.
        to.serialize_u64(value.as_millis() as u64)
    }

    /// Reads whole milliseconds.
    ///
    /// # Errors
    ///
    /// The deserializer's error.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}

/// An optional duration in JSON: a whole number of milliseconds, or null.
pub mod optional_millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes whole milliseconds or null.
    ///
    /// # Errors
    ///
    /// The serializer's error.
    pub fn serialize<S: Serializer>(value: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        value.map(|value| value.as_millis() as u64).serialize(to)
    }

    /// Reads whole milliseconds or null.
    ///
    /// # Errors
    ///
    /// The deserializer's error.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(from)?.map(Duration::from_millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_is_read_in_whole_milliseconds() {
        for (text, millis) in [
            ("500ms", 500),
            ("20s", 20_000),
            ("1.5h", 5_400_000),
            ("1d", 86_400_000),
            ("0.001s", 1),
            ("3 m", 180_000),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn invalid_duration_is_rejected_with_the_reason() {
        for (text, message) in [
            ("20", "a number without its unit"),
            ("0.5ms", "a duration finer than a millisecond"),
            ("20parsecs", "unknown unit `parsecs`"),
            ("-1s", "a quantity below zero"),
            ("", "no number at its start"),
            (".5s", "no number at its start"),
            ("1e9s", "unknown unit `e9s`"),
            ("99999999999999999999h", "a duration of thousands of years"),
        ] {
            assert_eq!(parse(text).unwrap_err().message, message, "{text}");
        }
    }
}
