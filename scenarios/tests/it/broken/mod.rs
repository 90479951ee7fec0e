//! The problems that a person sees for an invalid file, by the table that has them.

mod commands;
mod events;
mod file;
mod gates;
mod renamed;
mod telemetry;

use expect_test::Expect;

use crate::diagnostics_with;

/// Checks the problems of the smallest scenario with `more` text.
fn check(more: &str, expected: Expect) {
    expected.assert_eq(&diagnostics_with(more));
}
