//! What a person sees when a file is wrong, by the part of it that is.

mod commands;
mod events;
mod file;
mod gates;
mod renamed;
mod telemetry;

use expect_test::Expect;

use crate::diagnostics_with;

/// Of the smallest scenario and `more` text.
fn check(more: &str, expected: Expect) {
    expected.assert_eq(&diagnostics_with(more));
}
