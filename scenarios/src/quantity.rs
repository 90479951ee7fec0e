//! Quantities read from text: a number and its unit, never one without the
//! other.

use std::time::Duration;

use crate::units::Rate;

/// Least and most rate that is accepted, per second.
pub(crate) const RATE_RANGE: (f64, f64) = (0.001, 1_000_000.0);

/// Why text is no such quantity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QuantityDiagnostic {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// Units of a duration and how many milliseconds each has.
const DURATION_UNITS: [(&str, f64); 4] = [
    ("ms", 1.0),
    ("s", 1_000.0),
    ("m", 60_000.0),
    ("h", 3_600_000.0),
];

/// Units of a rate and how many there are in a second.
const RATE_UNITS: [(&str, f64); 2] = [("/s", 1.0), ("/min", 1.0 / 60.0)];

/// Other spellings that people try, and what they mean.
const ALIASES: [(&str, &str); 24] = [
    ("millis", "ms"),
    ("msec", "ms"),
    ("milliseconds", "ms"),
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("min", "m"),
    ("mins", "m"),
    ("minute", "m"),
    ("minutes", "m"),
    ("hr", "h"),
    ("hour", "h"),
    ("hours", "h"),
    ("/sec", "/s"),
    ("/second", "/s"),
    ("ps", "/s"),
    ("per second", "/s"),
    ("rps", "/s"),
    ("Hz", "/s"),
    ("/m", "/min"),
    ("/minute", "/min"),
    ("rpm", "/min"),
    ("per minute", "/min"),
];

impl QuantityDiagnostic {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self {
            message: what.into(),
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A duration in whole milliseconds, such as `500ms`, `20s`, `3m`, `1.5h`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, QuantityDiagnostic> {
    let (number, unit) = split_unit(text)?;
    let millis = number * unit_factor(text, unit, &DURATION_UNITS)?;
    let whole = millis.round();
    if (millis - whole).abs() > 1e-6 {
        return Err(QuantityDiagnostic::new(
            "a duration finer than a millisecond",
        ));
    }
    // Ends below the 2^53 ms up to which a float holds every whole number.
    if whole > 1e15 {
        return Err(QuantityDiagnostic::new("a duration of thousands of years"));
    }
    Ok(Duration::from_millis(whole as u64))
}

/// A rate such as `200/s` or `12000/min`.
pub(crate) fn parse_rate(text: &str) -> Result<Rate, QuantityDiagnostic> {
    let (number, unit) = split_unit(text)?;
    let per_second = number * unit_factor(text, unit, &RATE_UNITS)?;
    let rate =
        Rate::per_second(per_second).ok_or_else(|| QuantityDiagnostic::new("a rate of zero"))?;
    if per_second < RATE_RANGE.0 || per_second > RATE_RANGE.1 {
        return Err(QuantityDiagnostic::new("a rate out of range"));
    }
    Ok(rate)
}

/// A number and what stands behind it, trimmed. The number is finite, not
/// negative, and written without an exponent.
pub(crate) fn split_unit(text: &str) -> Result<(f64, &str), QuantityDiagnostic> {
    let text = text.trim();
    if text.starts_with('-') {
        return Err(QuantityDiagnostic::new("a quantity below zero"));
    }
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_'))
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let number: Option<f64> = (digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.ends_with(|c: char| c.is_ascii_digit()))
    .then(|| digits.replace('_', "").parse().ok())
    .flatten();
    match number {
        Some(number) if number.is_finite() => Ok((number, unit.trim())),
        _ => Err(QuantityDiagnostic::new("no number at its start")),
    }
}

/// What one of `unit` is worth in the first unit of the table that counts one.
pub(crate) fn unit_factor(
    text: &str,
    unit: &str,
    units: &[(&str, f64)],
) -> Result<f64, QuantityDiagnostic> {
    if let Some((_, factor)) = units.iter().find(|(name, _)| *name == unit) {
        return Ok(*factor);
    }
    let number = text.trim().trim_end_matches(unit).trim_end();
    if unit.is_empty() {
        let examples: Vec<String> = units
            .iter()
            .take(2)
            .map(|(unit, _)| format!("`{number}{unit}`"))
            .collect();
        return Err(QuantityDiagnostic::new("a number without its unit")
            .hint(format!("did you mean {}?", examples.join(" or "))));
    }
    let misfit = QuantityDiagnostic::new(format!("unknown unit `{}`", unit.escape_debug()));
    Err(match suggest_unit(unit, units) {
        Some(unit) => misfit.hint(format!("did you mean `{number}{unit}`?")),
        None => misfit,
    })
}

fn suggest_unit<'u>(unit: &str, units: &[(&'u str, f64)]) -> Option<&'u str> {
    let named = |name: &str| {
        units
            .iter()
            .find(|(unit, _)| *unit == name)
            .map(|(unit, _)| *unit)
    };
    let alias = ALIASES
        .iter()
        .find(|(alias, _)| alias.eq_ignore_ascii_case(unit));
    let same_letters = units
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit));
    alias
        .and_then(|(_, name)| named(name))
        .or(same_letters.map(|(unit, _)| *unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_whole_milliseconds() {
        for (text, millis) in [
            ("500ms", 500),
            ("20s", 20_000),
            ("1.5h", 5_400_000),
            ("0.001s", 1),
            ("3 m", 180_000),
            ("0s", 0),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_millis(millis)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_duration_says_why() {
        for (text, what) in [
            ("20", "a number without its unit"),
            ("0.5ms", "a duration finer than a millisecond"),
            ("20parsecs", "unknown unit `parsecs`"),
            ("-1s", "a quantity below zero"),
            ("", "no number at its start"),
            (".5s", "no number at its start"),
            ("1e9s", "unknown unit `e9s`"),
            ("99999999999999999999h", "a duration of thousands of years"),
        ] {
            assert_eq!(parse_duration(text).unwrap_err().message, what, "{text}");
        }
    }

    #[test]
    fn a_minute_has_sixty_seconds() {
        assert_eq!(parse_rate("12000/min").unwrap().as_per_second(), 200.0);
        assert_eq!(parse_rate("200/s").unwrap().as_per_second(), 200.0);
    }

    #[test]
    fn rates_suggest_their_unit() {
        let hint = |text| parse_rate(text).unwrap_err().hint;
        assert_eq!(
            hint("200").as_deref(),
            Some("did you mean `200/s` or `200/min`?")
        );
        assert_eq!(hint("200/sec").as_deref(), Some("did you mean `200/s`?"));
        assert_eq!(hint("200 rpm").as_deref(), Some("did you mean `200/min`?"));
    }
}
