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

use crate::paint::{Tone, paint};

/// Labels after a `=`.
const LABELS: [&str; 4] = ["found:", "expected:", "cause:", "hint:"];

/// An error and its causes. A cause that the error's own text has in full
/// already is not said again.
pub(super) fn error(error: &anyhow::Error) -> String {
    let mut text = format!("error: {error}");
    let mut said = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !said.contains(&cause) {
            text.push_str(&labelled("cause", &cause));
        }
        said = cause;
    }
    text
}

/// All problems of a scenario.
pub(super) fn problems(path: &Path, problems: &Diagnostics) -> String {
    let mut text = String::new();
    for problem in problems.iter() {
        let place = match &problem.location {
            Location::File { line, column, .. } => format!("{}:{line}:{column}", path.display()),
            Location::SetArgument { text, .. } => format!("--set {}", text.escape_debug()),
        };
        text.push_str(&format!("error: {place}: {problem}\n\n"));
    }
    let count = problems.count();
    let noun = if count == 1 { "problem" } else { "problems" };
    text + &format!("{count} {noun} in {}", path.display())
}

/// A line of its own below an error.
pub(super) fn labelled(label: &str, text: &str) -> String {
    format!("\n  = {label}: {}", text.replace('\n', "\n    "))
}

/// The text with colour: what happened, the place that is meant, the labels.
pub(super) fn paint_error(text: &str, colour: bool) -> String {
    let lines = text.lines().map(|line| paint_line(line, colour));
    lines.collect::<Vec<_>>().join("\n")
}

fn paint_line(line: &str, colour: bool) -> String {
    if let Some(what) = line.strip_prefix("error: ") {
        let what = paint(what, Tone::Strong, colour);
        return format!("{} {what}", paint("error:", Tone::Bad, colour));
    }
    if let Some((gutter, shown)) = line.split_once(" | ")
        && gutter.trim().is_empty()
        && shown.trim().bytes().all(|byte| byte == b'^')
    {
        return format!("{gutter} | {}", paint(shown, Tone::Bad, colour));
    }
    match line.trim_start().strip_prefix("= ") {
        Some(rest) => match LABELS.iter().find(|label| rest.starts_with(**label)) {
            Some(label) => line.replacen(label, &paint(label, Tone::Active, colour), 1),
            None => line.to_owned(),
        },
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn causes_are_said_once() {
        let error = anyhow!("no such file")
            .context("cannot read x: no such file")
            .context("x is no run record");
        expect_test::expect![[r#"
            error: x is no run record
              = cause: cannot read x: no such file"#]]
        .assert_eq(&super::error(&error));
    }

    #[test]
    fn colour_changes_no_letter() {
        let text = "error: a.toml:1:8: name: wrong\n  |\n1 | name = 1\n  |        ^\n  = found: 1";
        assert_eq!(paint_error(text, false), text);
        let painted = paint_error(text, true);
        assert_ne!(painted, text);
        assert_eq!(console::strip_ansi_codes(&painted), text);
    }
}
