//! Figures that may be unknown, or too large to mean anything.

use highwater_types::format::count;

use crate::doctor::limits::Limit;

/// Systems write "no limit" as a number that nothing reaches.
const NO_LIMIT: u64 = 1 << 60;

/// A limit in words.
pub(super) fn limit_text(cap: Limit) -> String {
    match cap {
        Limit::Unknown => unknown_text(),
        Limit::Unlimited => "unlimited".to_owned(),
        Limit::AtMost(limit) => number_text(Some(limit)),
    }
}

/// A figure in words.
pub(super) fn number_text(figure: Option<u64>) -> String {
    match figure {
        None => unknown_text(),
        Some(NO_LIMIT..) => "unlimited".to_owned(),
        Some(figure) => count(figure),
    }
}

/// What could not be read.
pub(super) fn unknown_text() -> String {
    "unknown".to_owned()
}
