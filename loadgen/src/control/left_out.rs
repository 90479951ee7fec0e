//! The count of what a coordinator left out of a worker's messages.

use std::fmt;

/// The numbers of parts of messages that exceeded a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Names with other characters than letters, digits and `. _ - @ ( )`, or too long.
    pub invalid_names: u64,
    /// Counts, gauges and times that nothing can have.
    pub impossible_values: u64,
    /// Names beyond the most that are kept.
    pub excess_names: u64,
}

impl LeftOut {
    /// Adds the numbers of `other`.
    pub fn add(&mut self, other: Self) {
        self.invalid_names += other.invalid_names;
        self.impossible_values += other.impossible_values;
        self.excess_names += other.excess_names;
    }

    /// Whether nothing was left out.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.invalid_names, "with an invalid name"),
            (self.impossible_values, "with an impossible value"),
            (self.excess_names, "beyond the most names that are kept"),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = parts.map(|(count, why)| format!("{count} {why}")).collect();
        f.write_str(&parts.join(", "))
    }
}
