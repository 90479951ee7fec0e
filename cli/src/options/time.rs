//! Times on the command line: written as in a scenario, each within its bounds.

use std::{ops::RangeInclusive, time::Duration};

use highwater_types::{duration, format};

/// Reads a time of `within`, such as `500ms`, `1.5s` or `2m`.
pub(crate) fn parse_duration_within(
    within: RangeInclusive<Duration>,
) -> impl Fn(&str) -> Result<Duration, String> + Clone + Send + Sync + 'static {
    move |text| {
        let problem = match duration::parse(text) {
            Ok(time) if within.contains(&time) => return Ok(time),
            Ok(_) => "out of range".to_owned(),
            Err(error) => error.message,
        };
        let [shortest, longest] = [within.start(), within.end()].map(|end| format::duration(*end));
        Err(format!(
            "{problem}; expected a time with its unit, {shortest} to {longest}, such as 2s"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn time_requires_a_unit_and_has_bounds() {
        let time = parse_duration_within(500 * MILLISECOND..=Duration::from_secs(600));
        for (text, millis) in [
            ("500ms", 500),
            ("5s", 5_000),
            ("1.5s", 1_500),
            ("10m", 600_000),
        ] {
            assert_eq!(time(text), Ok(millis * MILLISECOND), "{text}");
        }
        for bad in [
            "",
            "5",
            "s",
            "+5s",
            "-5s",
            "499ms",
            "11m",
            "1h",
            "5sec",
            "99999999999999999999s",
        ] {
            let error = time(bad).unwrap_err();
            assert!(
                error.ends_with("500ms to 10m, such as 2s"),
                "{bad}: {error}"
            );
        }
    }
}
