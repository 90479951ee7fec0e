//! Quantities in the words of messages and descriptions.

use std::time::Duration;

pub(crate) const MILLISECOND: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// A duration as a scenario writes it: one number, one unit, nothing lost.
pub(crate) fn toml_duration(duration: Duration) -> String {
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

/// A duration for reading: `82s`, `4m 10s`, `1d 2h`, rounded to what matters.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds > 0.0 && seconds < 1.0 {
        return format!("{}ms", (seconds * 1e3).round());
    }
    if seconds < 59.95 {
        return format!("{}s", (seconds * 10.0).round() / 10.0);
    }
    let whole = seconds.round() as u64;
    match whole {
        ..3_600 => two_units(whole / 60, "m", whole % 60, "s"),
        3_600..86_400 => two_units(whole / 3_600, "h", whole % 3_600 / 60, "m"),
        _ => two_units(whole / 86_400, "d", whole % 86_400 / 3_600, "h"),
    }
}

/// A whole number in groups of three: `12,000`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A whole number in groups of three, as TOML takes it: `12_000`.
pub(crate) fn toml_integer(number: u64) -> String {
    count(number).replace(',', "_")
}

/// A figure per second: whole from ten up, else to two places.
pub fn per_second(rate: f64) -> String {
    if rate >= 10.0 {
        format!("{}/s", count(rate.round() as u64))
    } else {
        format!("{}/s", (rate * 100.0).round() / 100.0)
    }
}

/// `105 %`, `2.5 %`: a share in hundredths, to one place.
pub fn percent(share: f64) -> String {
    format!("{} %", (share * 1_000.0).round() / 10.0)
}

/// `25,000/s delivered`; one of several deliveries is one of each subscriber.
pub(crate) fn delivery_rate(rate: f64) -> String {
    format!("{} delivered", per_second(rate))
}

/// `512 B`, `3.4 KiB`, `23.1 GiB`: one place below a hundred of a unit.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1_024 {
        return format!("{bytes} B");
    }
    let mut scaled = bytes as f64 / 1_024.0;
    let mut unit = 0;
    while scaled >= 1_023.5 && unit + 1 < UNITS.len() {
        scaled /= 1_024.0;
        unit += 1;
    }
    let places = usize::from(scaled < 99.95);
    let figure = format!("{scaled:.places$}");
    let figure = figure.strip_suffix(".0").unwrap_or(&figure);
    format!("{figure} {}", UNITS[unit])
}

/// `1 node`, `2 nodes`.
pub fn plural(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count(number))
}

fn two_units(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 {
        format!("{large}{large_unit}")
    } else {
        format!("{large}{large_unit} {small}{small_unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
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
    fn written_durations_lose_nothing() {
        for text in ["0s", "1ms", "1500ms", "90s", "3m", "25h"] {
            assert_eq!(
                crate::quantity::parse_duration(text)
                    .map(toml_duration)
                    .as_deref(),
                Ok(text)
            );
        }
    }

    #[test]
    fn bytes_read_well() {
        for (number, text) in [
            (0, "0 B"),
            (1_023, "1023 B"),
            (3_500, "3.4 KiB"),
            (512 << 20, "512 MiB"),
            ((1 << 20) - 1, "1 MiB"),
            (24_684_084 * 1_024, "23.5 GiB"),
            (u64::MAX, "16777216 TiB"),
        ] {
            assert_eq!(bytes(number), text);
        }
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            [0, 999, 1_000, 12_345_678].map(count),
            ["0", "999", "1,000", "12,345,678"]
        );
    }
}
