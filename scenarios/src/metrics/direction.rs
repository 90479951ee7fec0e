//! The direction in which a metric is better.

/// The direction in which a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// A lower value is better.
    Lower,
    /// A higher value is better.
    Higher,
    /// A value is neither good nor bad by itself.
    Neither,
}

impl Direction {
    /// Returns `lower`, `higher` or `neither`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Higher => "higher",
            Self::Neither => "neither",
        }
    }
}
