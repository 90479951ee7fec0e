//! Times: planned ones as a scenario writes them, measured ones as physics does.

use std::time::Duration;

use super::number::significant;

/// Returns a duration in the form of a scenario: one number, one unit, nothing lost.
pub fn toml_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis == 0 {
        return "0s".to_owned();
    }
    let (unit, name) = [(3_600_000, "h"), (60_000, "m"), (1_000, "s")]
        .into_iter()
        .find(|(unit, _)| millis.is_multiple_of(*unit))
        .unwrap_or((1, "ms"));
    format!("{}{name}", millis / unit)
}

/// Returns a planned duration, rounded to two units: `20ms`, `1.5s`, `4m 10s`, `1d 2h`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds > 0.0 && seconds < 1.0 {
        return format!("{}ms", (seconds * 1e3).round());
    }
    // From 59.95 one decimal would round to 60.0.
    if seconds < 59.95 {
        return format!("{}s", (seconds * 10.0).round() / 10.0);
    }
    let whole = seconds.round() as u64;
    match whole {
        ..3_600 => two_units((whole / 60, "m"), (whole % 60, "s"), ""),
        3_600..86_400 => two_units((whole / 3_600, "h"), (whole % 3_600 / 60, "m"), ""),
        _ => two_units((whole / 86_400, "d"), (whole % 86_400 / 3_600, "h"), ""),
    }
}

/// Returns a measured time that is given in milliseconds: `0.851 ms`, `12.3 ms`, `1.5 s`.
pub fn millis(value: f64) -> String {
    match value.abs() {
        v if v < 1000.0 => format!("{} ms", significant(value)),
        _ => seconds(value / 1000.0),
    }
}

/// Returns a measured time that is given in seconds: `7.5 s`, `3 min 20 s`, `2 h 5 min`.
pub fn seconds(value: f64) -> String {
    // Two minutes: below that three digits say more than minutes do.
    if value < 120.0 {
        return format!("{} s", significant(value));
    }
    let whole = value.round() as u64;
    match whole {
        ..3_600 => two_units((whole / 60, "min"), (whole % 60, "s"), " "),
        _ => two_units((whole / 3_600, "h"), (whole % 3_600 / 60, "min"), " "),
    }
}

/// Writes a number of large units and one of small units, which is left out at zero.
fn two_units(
    (large, large_unit): (u64, &str),
    (small, small_unit): (u64, &str),
    space: &str,
) -> String {
    match small {
        0 => format!("{large}{space}{large_unit}"),
        _ => format!("{large}{space}{large_unit} {small}{space}{small_unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planned_duration_has_at_most_two_units() {
        for (millis, text) in [
            (0, "0s"),
            (20, "20ms"),
            (1_500, "1.5s"),
            (59_960, "1m"),
            (60_000, "1m"),
            (250_000, "4m 10s"),
            (5_400_000, "1h 30m"),
            (90_000_000, "1d 1h"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn written_duration_is_read_back_unchanged() {
        for text in ["0s", "1ms", "1500ms", "90s", "3m", "25h"] {
            let read = crate::duration::parse(text);
            assert_eq!(read.map(toml_duration).as_deref(), Ok(text));
        }
    }

    #[test]
    fn measured_time_has_three_digits() {
        let table = [
            (millis(0.8512), "0.851 ms"),
            (millis(1500.0), "1.5 s"),
            (millis(200_000.0), "3 min 20 s"),
            (seconds(7500.0), "2 h 5 min"),
            (seconds(7200.0), "2 h"),
            (seconds(120.0), "2 min"),
        ];
        for (found, expected) in table {
            assert_eq!(found, expected);
        }
    }
}
