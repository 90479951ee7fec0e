//! The lifetime of a session.

use std::{fmt, str::FromStr, time::Duration};

const MIN_S: u64 = 1;
/// Thirty days. A token cannot be revoked, so it must not be valid forever.
const MAX_S: u64 = 30 * 24 * 3600;

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
            let unit = text.chars().next_back()?;
            let seconds = match unit {
                's' => 1,
                'm' => 60,
                'h' => 3600,
                'd' => 24 * 3600,
                _ => return None,
            };
            let digits = text.strip_suffix(unit)?;
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
        let units = [('d', 24 * 3600), ('h', 3600), ('m', 60), ('s', 1)];
        let (unit, seconds) = units
            .into_iter()
            .find(|(_, seconds)| self.0.is_multiple_of(*seconds))
            .unwrap_or(('s', 1));
        write!(f, "{}{unit}", self.0 / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes() {
        for (text, seconds) in [("1s", 1), ("90s", 90), ("15m", 900), ("30d", MAX_S)] {
            let lifetime: Lifetime = text.parse().unwrap();
            assert_eq!(lifetime.duration().as_secs(), seconds);
            assert_eq!(lifetime.to_string(), text);
        }
        assert_eq!("3600s".parse::<Lifetime>().unwrap().to_string(), "1h");
        for bad in [
            "",
            "s",
            "0s",
            "31d",
            "1",
            "-1s",
            "+1s",
            "1.5h",
            "1 h",
            "99999999999999999999s",
        ] {
            assert!(bad.parse::<Lifetime>().is_err(), "{bad}");
        }
    }
}
