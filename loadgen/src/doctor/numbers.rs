//! Numbers that may be unknown, or so large that they mean "no limit".

use highwater_types::format::count;

use super::limits::Limit;

/// The smallest number that means "no limit". Systems write that as a number that is never
/// reached, such as 2^63 - 1.
const NO_LIMIT: u64 = 1 << 60;

/// Returns a limit as text.
pub(super) fn limit_text(limit: Limit) -> String {
    match limit {
        Limit::Unknown => unknown_text(),
        Limit::Unlimited => "unlimited".to_owned(),
        Limit::AtMost(limit) => number_text(Some(limit)),
    }
}

/// Returns a number as text.
pub(super) fn number_text(number: Option<u64>) -> String {
    match number {
        None => unknown_text(),
        Some(NO_LIMIT..) => "unlimited".to_owned(),
        Some(number) => count(number),
    }
}

/// Returns the text for a value that could not be read.
pub(super) fn unknown_text() -> String {
    "unknown".to_owned()
}
