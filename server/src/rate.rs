//! How many a second.

use std::{fmt, str::FromStr, time::Duration};

const MAX_PER_S: u32 = 1_000_000;

/// So many a second, as text `500/s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    per_s: u32,
}

/// A text that is no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid rate {0:?}: expected a whole number a second, 1/s to {MAX_PER_S}/s, such as 500/s"
)]
pub struct InvalidRate(String);

impl Rate {
    /// As many as that, at least one.
    pub const fn per_second(per_s: u32) -> Self {
        let per_s = if per_s == 0 { 1 } else { per_s };
        Self { per_s }
    }

    /// Between two of them, when they come evenly.
    pub(crate) fn interval(self) -> Duration {
        Duration::from_secs(1) / self.per_s
    }

    /// How many may come at once when there were none before, if nothing else is
    /// said: a second's worth.
    pub(crate) fn default_burst(self) -> u32 {
        self.per_s
    }
}

impl FromStr for Rate {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        let per_s = text
            .strip_suffix("/s")
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .filter(|per_s| (1..=MAX_PER_S).contains(per_s));
        per_s
            .map(|per_s| Self { per_s })
            .ok_or_else(|| InvalidRate(text.to_owned()))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.per_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        let rate: Rate = "500/s".parse().unwrap();
        assert_eq!(rate.to_string(), "500/s");
        assert_eq!(rate.interval(), Duration::from_millis(2));
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
