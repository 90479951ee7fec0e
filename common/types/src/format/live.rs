//! Numbers and times on a live display: short, and of a width that does not change
//! with the value.

use std::time::Duration;

use super::number::{count, scale_bytes};

/// Returns a number of events per second: `1,200`; below ten with one decimal, `0.5`.
pub fn rate(per_second: f64) -> String {
    // From 9.95 one decimal would round to 10.0.
    if per_second >= 9.95 || per_second == 0.0 {
        count(per_second.round() as u64)
    } else {
        format!("{per_second:.1}")
    }
}

/// Returns a response time: `0.31 ms`, `12.3 ms`, `1.50 s`.
pub fn millis(duration: Duration) -> String {
    let millis = duration.as_secs_f64() * 1e3;
    // Each bound lies where the next line's fewer decimals round to the same digits.
    match millis {
        ..9.995 => format!("{millis:.2} ms"),
        ..99.95 => format!("{millis:.1} ms"),
        ..999.5 => format!("{millis:.0} ms"),
        ..99_950.0 => format!("{:.2} s", millis / 1e3),
        _ => format!("{:.0} s", millis / 1e3),
    }
}

/// Returns a size of at most eight columns: `512 B`, `3.4 KiB`, `1.20 GiB`.
pub fn bytes(value: u64) -> String {
    // From 999.5 the number would take a fourth digit and so a ninth column.
    let (scaled, unit) = scale_bytes(value as f64, 999.5);
    match scaled {
        // Bytes are whole, so a decimal would say nothing.
        _ if unit == "B" => format!("{value} B"),
        ..9.995 => format!("{scaled:.2} {unit}"),
        ..99.95 => format!("{scaled:.1} {unit}"),
        _ => format!("{scaled:.0} {unit}"),
    }
}

/// Returns a share as a whole percentage: `12 %`.
pub fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// Returns a time on a clock of eight columns: `00:01:05`.
pub fn long_clock(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}")
}

/// Returns a time on a short clock: `01:05`, from an hour on `01:01:05`.
pub fn clock(duration: Duration) -> String {
    let text = long_clock(duration);
    match text.strip_prefix("00:") {
        Some(short) => short.to_owned(),
        None => text,
    }
}

/// Returns a duration in whole seconds: `45s`, `2m`, `1h 5m`. It is rounded up, so that
/// a time that is left never shows as `0s`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_millis().div_ceil(1000) as u64;
    super::duration(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_is_written_short() {
        let ms = |micros| millis(Duration::from_micros(micros));
        let table = [
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
            (duration(Duration::from_millis(200)), "1s"),
            (duration(Duration::from_secs(3_900)), "1h 5m"),
            (duration(Duration::from_secs(125)), "2m 5s"),
        ];
        for (found, expected) in table {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn size_takes_at_most_eight_columns() {
        // Up to 900 TiB.
        for shift in 0..40 {
            for value in [1_u64 << shift, 900 << shift, 1023 << shift >> 10] {
                assert!(bytes(value).len() <= 8, "{}", bytes(value));
            }
        }
    }
}
