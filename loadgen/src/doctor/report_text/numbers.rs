//! Figures that may be unknown, or too large to mean anything.

use highwater_scenarios::format::count;

use crate::doctor::limits::Cap;

/// Systems write "no limit" as a number that nothing reaches.
const NO_LIMIT: u64 = 1 << 60;

/// A limit in words.
pub(super) fn cap(cap: Cap) -> String {
    match cap {
        Cap::Unknown => unknown(),
        Cap::None => "unlimited".to_owned(),
        Cap::At(limit) => figure(Some(limit)),
    }
}

/// A figure in words.
pub(super) fn figure(figure: Option<u64>) -> String {
    match figure {
        None => unknown(),
        Some(NO_LIMIT..) => "unlimited".to_owned(),
        Some(figure) => count(figure),
    }
}

/// What could not be read.
pub(super) fn unknown() -> String {
    "unknown".to_owned()
}
