//! Quantities as people read them.

pub(crate) use highwater_scenarios::format::count;
use highwater_scenarios::metrics::Unit;

/// Formats a value in its unit.
pub(crate) fn with_unit(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Millis => millis(value),
        Unit::Seconds => seconds(value),
        Unit::Bytes => bytes(value),
        Unit::PerSecond => format!("{}/s", significant(value)),
        Unit::Share => format!("{} %", significant(value * 100.0)),
        Unit::Count | Unit::Ratio => significant(value),
    }
}

/// Formats milliseconds: `0.85 ms`, `12.3 ms`, `1.5 s`.
pub(crate) fn millis(value: f64) -> String {
    match value.abs() {
        v if v < 1000.0 => format!("{} ms", significant(value)),
        v if v < 120_000.0 => format!("{} s", significant(value / 1000.0)),
        _ => seconds(value / 1000.0),
    }
}

/// Formats seconds: `7.5 s`, `3 min 20 s`, `2 h 5 min`.
pub(crate) fn seconds(value: f64) -> String {
    if value < 120.0 {
        return format!("{} s", significant(value));
    }
    let whole = value.round() as u64;
    match (whole / 3600, whole % 3600 / 60, whole % 60) {
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// Formats bytes: `512 B`, `3.42 KiB`, `1.2 GiB`.
pub(crate) fn bytes(value: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut scaled = value;
    let mut unit = 0;
    while scaled.abs() >= 1024.0 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    format!("{} {}", significant(scaled), UNITS[unit])
}

/// Formats a number with three significant digits, without trailing zeros. Numbers from
/// 1,000 are whole and in full.
pub(crate) fn significant(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    // From 999.5 on, rounding to three digits would give 1,000 and hide the fourth.
    if value.abs() >= 999.5 {
        let sign = if value < 0.0 { "-" } else { "" };
        return format!("{sign}{}", count(value.abs().round() as u64));
    }
    let before = value.abs().log10().floor() as i32;
    let after = (2 - before).clamp(0, 6) as usize;
    let text = format!("{value:.after$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_have_three_digits_and_a_unit() {
        let table = [
            (count(1_234_567), "1,234,567"),
            (count(999), "999"),
            (millis(0.8512), "0.851 ms"),
            (millis(1500.0), "1.5 s"),
            (seconds(7500.0), "2 h 5 min"),
            (seconds(120.0), "2 min"),
            (bytes(3500.0), "3.42 KiB"),
            (bytes(-1536.0), "-1.5 KiB"),
            (significant(50.0), "50"),
            (significant(12345.6), "12,346"),
            (significant(0.000_123), "0.000123"),
        ];
        for (found, expected) in table {
            assert_eq!(found, expected);
        }
    }
}
