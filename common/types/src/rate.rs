//! Events per second.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::quantity::{InvalidQuantity, split_unit, unit_factor};

/// Lowest rate that text may name, per second.
pub const MIN_PER_SECOND: f64 = 0.001;

/// Highest rate that text may name, per second.
pub const MAX_PER_SECOND: u32 = 1_000_000;

const NANOS_PER_SECOND: f64 = 1e9;

/// Units of a rate and how many events per second each is.
const UNITS: [(&str, f64); 2] = [("/s", 1.0), ("/min", 1.0 / 60.0)];

/// A number of events per second, finite and above zero.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Rate(f64);

/// An error for a text that is not a rate of whole events per second.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid rate {0:?}: expected a whole number a second, 1/s to {MAX_PER_SECOND}/s, such as 500/s"
)]
pub struct InvalidRate(String);

/// Reads a rate as a scenario writes it, such as `200/s`, `0.5/s` or `12000/min`.
///
/// ```
/// use highwater_types::rate;
///
/// assert_eq!(rate::parse("12000/min").unwrap(), rate::parse("200/s").unwrap());
/// let hint = rate::parse("200").unwrap_err().hint;
/// assert_eq!(hint.as_deref(), Some("did you mean `200/s` or `200/min`?"));
/// ```
///
/// # Errors
///
/// [`InvalidQuantity`] if the unit is missing or unknown, or the rate is out of range.
pub fn parse(text: &str) -> Result<Rate, InvalidQuantity> {
    let (number, unit) = split_unit(text)?;
    let per_second = number * unit_factor(text, unit, &UNITS)?;
    let rate =
        Rate::per_second(per_second).ok_or_else(|| InvalidQuantity::new("a rate of zero"))?;
    match (MIN_PER_SECOND..=MAX_PER_SECOND.into()).contains(&per_second) {
        true => Ok(rate),
        false => Err(InvalidQuantity::new("a rate out of range")),
    }
}

impl Rate {
    /// Returns the rate, or `None` unless it is finite and above zero.
    pub fn per_second(rate: f64) -> Option<Self> {
        (rate.is_finite() && rate > 0.0).then_some(Self(rate))
    }

    /// Returns a rate of whole events per second, at least one.
    pub const fn whole(per_second: u32) -> Self {
        // `Ord::max` is not const.
        let per_second = if per_second == 0 { 1 } else { per_second };
        Self(per_second as f64)
    }

    /// Returns the number of events per second.
    pub fn as_per_second(self) -> f64 {
        self.0
    }

    /// Returns when event number `index` is due; number 0 is due at once.
    ///
    /// ```
    /// use std::time::Duration;
    /// use highwater_types::Rate;
    ///
    /// let rate: Rate = "200/s".parse().unwrap();
    /// assert_eq!(rate.due(0), Duration::ZERO);
    /// assert_eq!(rate.due(300), Duration::from_millis(1500));
    /// ```
    pub fn due(self, index: u64) -> Duration {
        // A due time past the range of `Duration` never comes.
        Duration::try_from_secs_f64(index as f64 / self.0).unwrap_or(Duration::MAX)
    }

    /// Returns the time between two events that are evenly spaced.
    pub fn interval(self) -> Duration {
        // Rounded down, so that a rate limiter never falls short of its rate.
        Duration::from_nanos((NANOS_PER_SECOND / self.0) as u64)
    }

    /// Returns the events of one second, rounded up: the burst that a rate limiter
    /// allows by default.
    pub fn default_burst(self) -> u32 {
        self.0.ceil() as u32
    }
}

impl FromStr for Rate {
    type Err = InvalidRate;

    /// Reads a rate as a command line writes it: whole events per second, such as
    /// `500/s`.
    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        let per_second = text
            .strip_suffix("/s")
            // `u32::from_str` alone would take a sign.
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .filter(|per_second| (1..=MAX_PER_SECOND).contains(per_second));
        per_second
            .map(Self::whole)
            .ok_or_else(|| InvalidRate(text.to_owned()))
    }
}

impl TryFrom<f64> for Rate {
    type Error = &'static str;

    fn try_from(rate: f64) -> Result<Self, Self::Error> {
        Self::per_second(rate).ok_or("a rate is finite and above zero")
    }
}

impl From<Rate> for f64 {
    fn from(rate: Rate) -> Self {
        rate.0
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenario_rate_has_a_unit() {
        assert_eq!(parse("12000/min").unwrap().as_per_second(), 200.0);
        assert_eq!(parse("200/s").unwrap().as_per_second(), 200.0);
        let hint = |text| parse(text).unwrap_err().hint;
        assert_eq!(
            hint("200").as_deref(),
            Some("did you mean `200/s` or `200/min`?")
        );
        assert_eq!(hint("200/sec").as_deref(), Some("did you mean `200/s`?"));
        assert_eq!(hint("200 rpm").as_deref(), Some("did you mean `200/min`?"));
    }

    #[test]
    fn scenario_rate_out_of_range_is_rejected() {
        for (text, message) in [
            ("0/s", "a rate of zero"),
            ("0.0001/s", "a rate out of range"),
            ("1000001/s", "a rate out of range"),
        ] {
            assert_eq!(parse(text).unwrap_err().message, message, "{text}");
        }
    }

    #[test]
    fn command_line_rate_is_a_whole_number() {
        let rate: Rate = "500/s".parse().unwrap();
        assert_eq!(rate.to_string(), "500/s");
        assert_eq!(rate.interval(), Duration::from_millis(2));
        assert_eq!(rate.default_burst(), 500);
        for bad in [
            "500",
            "0/s",
            "/s",
            "-1/s",
            "+1/s",
            "1000001/s",
            "5/m",
            "1.5/s",
        ] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
    }
}
