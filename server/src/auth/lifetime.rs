//! The lifetime of a session.

use std::{fmt, str::FromStr, time::Duration};

const MIN_S: u64 = 1;
/// Thirty days. A token cannot be revoked, so it must not be valid forever.
const MAX_S: u64 = 30 * 24 * 3600;

/// The units of a lifetime and their seconds, the largest first.
const UNITS: [(char, u64); 4] = [('d', 24 * 3600), ('h', 3600), ('m', 60), ('s', 1)];

/// A session's length in whole seconds, with its unit in text: `90s`, `15m`, `12h`,
/// `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime(u64);

/// The error of a text that is not a lifetime.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid lifetime {0:?}: expected a whole number with its unit, 1s to 30d, such as 12h")]
pub struct InvalidLifetime(String);

impl Lifetime {
    /// Returns the lifetime as a duration.
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl Default for Lifetime {
    /// An hour.
    fn default() -> Self {
        Self(3600)
    }
}

impl FromStr for Lifetime {
    type Err = InvalidLifetime;

    fn from_str(text: &str) -> Result<Self, InvalidLifetime> {
        let parsed = || {
            let (unit, seconds) = UNITS.into_iter().find(|(unit, _)| text.ends_with(*unit))?;
            let digits = text.strip_suffix(unit)?;
            // `parse` alone would accept a sign.
            if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            let length = digits.parse::<u64>().ok()?.checked_mul(seconds)?;
            (MIN_S..=MAX_S).contains(&length).then_some(Self(length))
        };
        parsed().ok_or_else(|| InvalidLifetime(text.to_owned()))
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The largest unit that divides it, which is how a person would write it.
        let divides = |(_, seconds): &(char, u64)| self.0.is_multiple_of(*seconds);
        let (unit, seconds) = UNITS.into_iter().find(divides).unwrap_or(('s', 1));
        write!(f, "{}{unit}", self.0 / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetime_is_a_whole_number_with_its_unit() {
        for (text, seconds) in [("1s", 1), ("90s", 90), ("15m", 900), ("30d", MAX_S)] {
            let lifetime: Lifetime = text.parse().unwrap();
            assert_eq!(lifetime.duration().as_secs(), seconds);
            assert_eq!(lifetime.to_string(), text);
        }
        assert_eq!("3600s".parse::<Lifetime>().unwrap().to_string(), "1h");
        let overflow = "99999999999999999999s";
        for bad in [
            "", "s", "0s", "31d", "1", "-1s", "+1s", "1.5h", "1 h", overflow,
        ] {
            assert!(bad.parse::<Lifetime>().is_err(), "{bad}");
        }
    }
}
