//! The grammar of gates: `figure comparison limit`, as in
//! `heartbeats.response.p99 <= 50ms`.

use serde::{Deserialize, Serialize};

/// A figure of the summary held against a limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Path of the figure in `summary.json` without its unit suffix.
    pub figure: String,
    /// Which way.
    pub comparison: Comparison,
    /// In the summary's unit: milliseconds, bytes, seconds or a plain number.
    pub limit: f64,
    /// As the person wrote it.
    pub text: String,
}

/// Which way a figure is held against its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// `<`
    #[serde(rename = "<")]
    Less,
    /// `<=`
    #[serde(rename = "<=")]
    AtMost,
    /// `==`
    #[serde(rename = "==")]
    Equal,
    /// `!=`
    #[serde(rename = "!=")]
    Unequal,
    /// `>=`
    #[serde(rename = ">=")]
    AtLeast,
    /// `>`
    #[serde(rename = ">")]
    Greater,
}

impl Comparison {
    /// Whether `actual` satisfies the comparison with `limit`.
    pub fn holds(self, actual: f64, limit: f64) -> bool {
        match self {
            Self::Less => actual < limit,
            Self::AtMost => actual <= limit,
            Self::Equal => actual == limit,
            Self::Unequal => actual != limit,
            Self::AtLeast => actual >= limit,
            Self::Greater => actual > limit,
        }
    }
}
