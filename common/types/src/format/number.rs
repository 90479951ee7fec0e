//! Numbers, sizes, rates and shares.

/// Returns a whole number in groups of three: `12,000`.
pub fn count(number: u64) -> String {
    grouped(number, ',')
}

/// Returns a whole number in groups of three, as TOML reads it: `12_000`.
pub fn toml_integer(number: u64) -> String {
    grouped(number, '_')
}

/// Returns a number and its noun: `1 node`, `2 nodes`.
pub fn plural(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count(number))
}

/// Returns three significant digits without needless zeros: `0.85`, `12.3`. Numbers
/// from 1,000 keep all their whole digits.
pub fn significant(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    // From 999.5 three digits would round to 1000, which is written in groups.
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

/// Returns a whole number of bytes: `512 B`, `3.42 KiB`, `1.2 GiB`.
pub fn bytes(number: u64) -> String {
    size(number as f64)
}

/// Returns a number of bytes that may be fractional or negative, such as a mean or a
/// difference.
pub fn size(value: f64) -> String {
    // From 1023.5 the number would round to 1,024, which is one of the next unit.
    let (scaled, unit) = scale_bytes(value, 1023.5);
    format!("{} {unit}", significant(scaled))
}

/// Returns a number of bytes in the first unit in which it is below `limit`.
pub(super) fn scale_bytes(value: f64, limit: f64) -> (f64, &'static str) {
    let mut scaled = value;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if scaled.abs() < limit {
            return (scaled, unit);
        }
        scaled /= 1024.0;
    }
    (scaled, "TiB")
}

/// Returns a rate: `0.5/s`, `12,000/s`.
pub fn per_second(rate: f64) -> String {
    format!("{}/s", significant(rate))
}

/// Returns a share as a percentage: `2.5 %`, `105 %`.
pub fn percent(share: f64) -> String {
    format!("{} %", significant(share * 100.0))
}

fn grouped(number: u64, separator: char) -> String {
    let digits = number.to_string();
    // One separator for three digits.
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(separator);
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_is_written_for_reading() {
        let table = [
            (count(0), "0"),
            (count(999), "999"),
            (count(1_234_567), "1,234,567"),
            (toml_integer(12_000), "12_000"),
            (plural(1, "node"), "1 node"),
            (plural(2_000, "node"), "2,000 nodes"),
            (significant(50.0), "50"),
            (significant(12345.6), "12,346"),
            (significant(0.000_123), "0.000123"),
            (per_second(0.5), "0.5/s"),
            (per_second(12_000.0), "12,000/s"),
            (percent(1.05), "105 %"),
            (percent(0.025), "2.5 %"),
        ];
        for (found, expected) in table {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn size_is_written_in_the_largest_unit_that_fits() {
        for (number, text) in [
            (0.0, "0 B"),
            (1_023.0, "1,023 B"),
            (3_500.0, "3.42 KiB"),
            (-1_536.0, "-1.5 KiB"),
            (1_048_575.0, "1 MiB"),
            (536_870_912.0, "512 MiB"),
            (24_684_084.0 * 1_024.0, "23.5 GiB"),
        ] {
            assert_eq!(size(number), text);
        }
    }
}
