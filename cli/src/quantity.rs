//! Quantities as a terminal shows them: short, and of a length that does not
//! jump while they change.

use std::time::Duration;

pub(crate) use highwater_scenarios::format::count;

/// A figure per second: `1,200`; below ten with one place: `0.5`.
pub(crate) fn rate(per_second: f64) -> String {
    if per_second >= 9.95 || per_second == 0.0 {
        count(per_second.round() as u64)
    } else {
        format!("{per_second:.1}")
    }
}

/// A response time: `0.31 ms`, `12.3 ms`, `1.50 s`.
pub(crate) fn millis(duration: Duration) -> String {
    let millis = duration.as_secs_f64() * 1e3;
    match millis {
        ..9.995 => format!("{millis:.2} ms"),
        ..99.95 => format!("{millis:.1} ms"),
        ..999.5 => format!("{millis:.0} ms"),
        ..99_950.0 => format!("{:.2} s", millis / 1e3),
        _ => format!("{:.0} s", millis / 1e3),
    }
}

/// `512 B`, `3.4 KiB`, `1.20 GiB`: never more than eight columns.
pub(crate) fn bytes(value: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut scaled = value as f64;
    let mut unit = 0;
    while scaled >= 999.5 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    match (unit, scaled) {
        (0, _) => format!("{value} B"),
        (_, ..9.995) => format!("{scaled:.2} {}", UNITS[unit]),
        (_, ..99.95) => format!("{scaled:.1} {}", UNITS[unit]),
        _ => format!("{scaled:.0} {}", UNITS[unit]),
    }
}

/// A share as `12 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// On a clock that is easy to compare: `00:01:05`.
pub(crate) fn long_clock(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}")
}

/// On a clock that is short: `01:05`, from an hour on `01:01:05`.
pub(crate) fn clock(duration: Duration) -> String {
    let text = long_clock(duration);
    match text.strip_prefix("00:") {
        Some(short) => short.to_owned(),
        None => text,
    }
}

/// A length of time as a scenario writes it: `45s`, `2m`, `1h 5m`. Rounded up
/// to whole seconds, so that nothing that is left is called `0s`.
pub(crate) fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_millis().div_ceil(1000) as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, 0) => format!("{minutes}m"),
        (0, minutes, seconds) => format!("{minutes}m {seconds}s"),
        (hours, 0, _) => format!("{hours}h"),
        (hours, minutes, _) => format!("{hours}h {minutes}m"),
    }
}

/// `1 node`, `2 nodes`.
pub(crate) fn plural(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_read_well() {
        let ms = |micros| millis(Duration::from_micros(micros));
        let table = [
            (count(1_234_567), "1,234,567"),
            (rate(0.0), "0"),
            (rate(0.51), "0.5"),
            (rate(9.97), "10"),
            (rate(1234.4), "1,234"),
            (ms(312), "0.31 ms"),
            (ms(9_996), "10.0 ms"),
            (ms(999_400), "999 ms"),
            (ms(999_600), "1.00 s"),
            (ms(100_000_000), "100 s"),
            (bytes(999), "999 B"),
            (bytes(1_000), "0.98 KiB"),
            (bytes(12_884_902), "12.3 MiB"),
            (bytes(1 << 40), "1.00 TiB"),
            (clock(Duration::from_secs(65)), "01:05"),
            (clock(Duration::from_secs(3_665)), "01:01:05"),
            (duration_text(Duration::from_millis(200)), "1s"),
            (duration_text(Duration::from_secs(3_900)), "1h 5m"),
            (duration_text(Duration::from_secs(125)), "2m 5s"),
        ];
        for (found, expected) in table {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn sizes_keep_to_their_column() {
        // Up to 900 TiB.
        for shift in 0..40 {
            for value in [1_u64 << shift, 900 << shift, 1023 << shift >> 10] {
                assert!(bytes(value).len() <= 8, "{}", bytes(value));
            }
        }
    }
}
