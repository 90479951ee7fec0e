//! Each load of the open or the closed model has the keys of one of them.

use crate::{
    diagnostic::{Diagnostic, DiagnosticSink, ValueLocation},
    section::ModelKeys,
};

/// The words for a load in messages.
pub(super) struct LoadWords {
    /// The header of its table: `[[commands]]`.
    pub(super) header: &'static str,
    /// One action of the load: `command`.
    pub(super) action: &'static str,
}

/// Checks that the keys are those of one model. `is_written` counts, because an invalid
/// `users` still says which model is meant.
pub(super) fn check(
    keys: &ModelKeys<'_>,
    load: &ValueLocation,
    words: &LoadWords,
    sink: &mut DiagnosticSink,
) {
    const EITHER: &str = "`users` (closed model) or `rate` (open model)";
    match (keys.users.is_written, keys.rate.is_written) {
        (true, true) => sink.report(
            &keys.rate.location,
            Diagnostic::new("both `users` and `rate`")
                .expected(EITHER)
                .hint(format!("write two {} to have both", words.header)),
        ),
        (false, false) => sink.report_missing(
            load,
            Diagnostic::new("neither `users` nor `rate`").expected(EITHER),
        ),
        // Both keys have a default, which is harmless in the other model.
        (false, true) if keys.think.is_written => sink.report(
            &keys.think.location,
            Diagnostic::new("a think time without users").expected("`think` beside `users`"),
        ),
        (true, false) if keys.max_in_flight.is_written => sink.report(
            &keys.max_in_flight.location,
            Diagnostic::new("a limit for arrivals without a rate")
                .expected("`max_in_flight` beside `rate`")
                .hint(format!(
                    "each user has at most one {} in flight",
                    words.action
                )),
        ),
        _ => {}
    }
}
