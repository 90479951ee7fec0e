//! The forms of values in the files of control groups, which both versions share.

/// Returns the number that a file consists of.
pub(super) fn number(text: &str) -> Option<f64> {
    // The kernel counts in whole numbers; `max` and an empty text are not numbers.
    text.trim().parse::<u64>().ok().map(|value| value as f64)
}

/// Returns the value of a line `KEY VALUE`.
pub(super) fn entry(text: &str, key: &str) -> Option<f64> {
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    let (_, value) = lines.find(|(name, _)| *name == key)?;
    number(value)
}
