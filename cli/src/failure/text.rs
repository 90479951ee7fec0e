//! The form of an error:
//!
//! ```text
//! error: scenarios/idle.toml:7:9: devices.home.count: too many
//!   |
//! 7 | count = 10000000000
//!   |         ^^^^^^^^^^^
//!   = found: 10000000000
//!   = expected: a whole number from 1 to 10_000_000
//!   = hint: …
//! ```
//!
//! The parts of an error in their order: the problem, its place, the value found, the
//! form expected, the cause and the hint. Absent parts are left out.

use std::path::Path;

use highwater_scenarios::{Diagnostics, diagnostic::Location};

use crate::paint::{ACTIVE, BAD, STRONG};

/// Labels after a `=`.
const LABELS: [&str; 4] = ["found:", "expected:", "cause:", "hint:"];

/// Returns the text of an error and its causes.
pub(super) fn error(error: &anyhow::Error) -> String {
    let mut text = format!("error: {error}");
    let mut above = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Many libraries print their source within their own text.
        if !above.contains(&cause) {
            text.push_str(&labelled("cause", &cause));
        }
        above = cause;
    }
    text
}

/// Returns the text of all problems of a scenario.
pub(super) fn problems(path: &Path, problems: &Diagnostics) -> String {
    let mut text = String::new();
    for problem in problems.iter() {
        let place = match &problem.location {
            Location::File { line, column, .. } => format!("{}:{line}:{column}", path.display()),
            // Escaped, because control characters must not reach the terminal.
            Location::SetArgument { text, .. } => format!("--set {}", text.escape_debug()),
        };
        text.push_str(&format!("error: {place}: {problem}\n\n"));
    }
    let count = problems.count();
    let noun = if count == 1 { "problem" } else { "problems" };
    text + &format!("{count} {noun} in {}", path.display())
}

/// Returns a labelled line below an error. Further lines of the text are indented.
pub(super) fn labelled(label: &str, text: &str) -> String {
    format!("\n  = {label}: {}", text.replace('\n', "\n    "))
}

/// Returns the text in colours: the problem, the marked place, the labels.
pub(super) fn paint_error(text: &str) -> String {
    text.lines().map(paint_line).collect::<Vec<_>>().join("\n")
}

fn paint_line(line: &str) -> String {
    if let Some(problem) = line.strip_prefix("error: ") {
        let problem = STRONG.apply_to(problem);
        return format!("{} {problem}", BAD.apply_to("error:"));
    }
    if let Some((gutter, shown)) = line.split_once(" | ")
        && gutter.trim().is_empty()
        && shown.trim().bytes().all(|byte| byte == b'^')
    {
        return format!("{gutter} | {}", BAD.apply_to(shown));
    }
    let label = line
        .trim_start()
        .strip_prefix("= ")
        .and_then(|rest| LABELS.iter().find(|label| rest.starts_with(**label)));
    label.map_or_else(
        || line.to_owned(),
        |label| line.replacen(label, &ACTIVE.apply_to(label).to_string(), 1),
    )
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn cause_that_the_error_contains_is_left_out() {
        let error = anyhow!("no such file")
            .context("cannot read x: no such file")
            .context("x is not a run record");
        expect_test::expect![[r#"
            error: x is not a run record
              = cause: cannot read x: no such file"#]]
        .assert_eq(&super::error(&error));
    }

    #[test]
    fn colour_changes_no_letter() {
        // Other tests strip the sequences, so they may run at the same time.
        console::set_colors_enabled_stderr(true);
        let text = "error: a.toml:1:8: name: wrong\n  |\n1 | name = 1\n  |        ^\n  = found: 1";
        let painted = paint_error(text);
        assert_ne!(painted, text);
        assert_eq!(console::strip_ansi_codes(&painted), text);
    }
}
