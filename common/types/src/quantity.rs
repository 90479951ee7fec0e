//! Numbers with their units.

/// An error for a text that is not a quantity of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidQuantity {
    /// The problem, as a noun phrase.
    pub message: String,
    /// The probable intention, if there is one.
    pub hint: Option<String>,
}

/// Units and their other spellings, for hints.
const SPELLINGS: [(&str, &[&str]); 7] = [
    ("ms", &["millis", "msec", "milliseconds"]),
    ("s", &["sec", "secs", "second", "seconds"]),
    ("m", &["min", "mins", "minute", "minutes"]),
    ("h", &["hr", "hour", "hours"]),
    ("d", &["day", "days"]),
    ("/s", &["/sec", "/second", "ps", "per second", "rps", "Hz"]),
    ("/min", &["/m", "/minute", "rpm", "per minute"]),
];

impl InvalidQuantity {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
        }
    }

    fn hint(self, hint: String) -> Self {
        Self {
            hint: Some(hint),
            ..self
        }
    }
}

/// Splits a text into its number and its unit, both trimmed. The number is finite, not
/// negative, and written without an exponent.
///
/// # Errors
///
/// [`InvalidQuantity`] if the text does not begin with such a number.
pub fn split_unit(text: &str) -> Result<(f64, &str), InvalidQuantity> {
    let text = text.trim();
    if text.starts_with('-') {
        return Err(InvalidQuantity::new("a quantity below zero"));
    }
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_'))
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    // TOML accepts neither `.5` nor `5.`, so neither does a quantity in its text.
    let number: Option<f64> = (digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.ends_with(|c: char| c.is_ascii_digit()))
    .then(|| digits.replace('_', "").parse().ok())
    .flatten();
    match number {
        // A long row of digits parses to infinity.
        Some(number) if number.is_finite() => Ok((number, unit.trim())),
        _ => Err(InvalidQuantity::new("no number at its start")),
    }
}

/// Looks `unit` up in a table of units and their factors.
///
/// # Errors
///
/// [`InvalidQuantity`] if the unit is empty or not in the table, with a hint made from
/// the number in `text`.
pub fn unit_factor(text: &str, unit: &str, units: &[(&str, f64)]) -> Result<f64, InvalidQuantity> {
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
        return Err(InvalidQuantity::new("a number without its unit")
            .hint(format!("did you mean {}?", examples.join(" or "))));
    }
    // The unit comes from a file: control characters must not reach the terminal.
    let error = InvalidQuantity::new(format!("unknown unit `{}`", unit.escape_debug()));
    Err(match suggest_unit(unit, units) {
        Some(unit) => error.hint(format!("did you mean `{number}{unit}`?")),
        None => error,
    })
}

/// Returns the unit of the table that `unit` is another spelling of.
fn suggest_unit<'u>(unit: &str, units: &[(&'u str, f64)]) -> Option<&'u str> {
    let is_same = |spelling: &&str| spelling.eq_ignore_ascii_case(unit);
    let spelled = SPELLINGS
        .iter()
        .find(|(_, others)| others.iter().any(is_same))
        .map(|(name, _)| *name);
    let names = || units.iter().map(|(name, _)| *name);
    // A spelling may belong to a unit of the other table, such as `min` to a duration.
    names()
        .find(|name| spelled == Some(*name))
        .or_else(|| names().find(is_same))
}
