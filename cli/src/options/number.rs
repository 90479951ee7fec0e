//! The value parser of numbers.

/// Parses a whole number of 1 or more.
pub(crate) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err("expected a whole number of 1 or more".to_owned()),
    }
}
