//! How a node goes.

use std::time::Duration;

use clap::Args;
use highwater_scenarios::units::parse_duration;
use highwater_server::Rate;

/// Longest time that is taken.
const LONGEST: Duration = Duration::from_secs(600);
/// A socket that lives shorter costs more than it is of use.
const YOUNGEST: Duration = Duration::from_secs(10);
const OLDEST: Duration = Duration::from_secs(30 * 24 * 3600);

#[derive(Debug, Args)]
#[command(next_help_heading = "Drain")]
pub(crate) struct ServeDrain {
    /// How long /readyz fails before new sockets are refused
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = time)]
    pub(crate) drain_notice: Duration,
    /// Devices asked to leave, a second
    #[arg(long, value_name = "RATE", default_value = "500/s")]
    pub(crate) drain_rate: Rate,
    /// Longest time over which a device is asked to spread its return
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = time)]
    pub(crate) drain_window: Duration,
    /// Send a socket away when it has been open for three quarters to all of this,
    /// 10s to 720h
    #[arg(long, value_name = "TIME", value_parser = age)]
    pub(crate) max_age: Option<Duration>,
}

/// `500ms`, `10s`, `2m`.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "ms" => Some(Duration::from_millis(1)),
        "s" => Some(Duration::from_secs(1)),
        "m" => Some(Duration::from_secs(60)),
        _ => None,
    };
    let whole = digits.bytes().all(|byte| byte.is_ascii_digit());
    let count: Option<u32> = digits.parse().ok().filter(|_| whole);
    unit.zip(count)
        .and_then(|(unit, count)| unit.checked_mul(count))
        .filter(|time| *time <= LONGEST)
        .ok_or_else(|| "expected a time with its unit, 0s to 10m, such as 500ms".to_owned())
}

/// `90s`, `30m`, `1h`.
fn age(text: &str) -> Result<Duration, String> {
    parse_duration(text)
        .ok()
        .filter(|age| (YOUNGEST..=OLDEST).contains(age))
        .ok_or_else(|| "expected a time with its unit, 10s to 720h, such as 1h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages() {
        assert_eq!(age("10s"), Ok(YOUNGEST));
        assert_eq!(age("1h"), Ok(Duration::from_secs(3600)));
        for bad in ["", "1h30", "9s", "0s", "721h", "3600"] {
            assert!(age(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_have_a_unit() {
        assert_eq!(time("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(time("0s"), Ok(Duration::ZERO));
        assert_eq!(time("10m"), Ok(LONGEST));
        for bad in [
            "",
            "5",
            "s",
            "-1s",
            "+1s",
            "1.5s",
            "11m",
            "1h",
            "9999999999s",
        ] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }
}
