//! Problems with their lines, as a person reads them.

use std::{fmt, ops::Range};

use super::{Diagnostic, excerpt::Excerpt};

/// All problems of one scenario by place: the file from top to bottom, then the `--set`
/// arguments from left to right. The list is never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    source_name: String,
    diagnostics: Vec<LocatedDiagnostic>,
}

/// A problem and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocatedDiagnostic {
    /// The place.
    pub location: Location,
    /// The path of the key, such as `devices.home.ramp`; empty for the file as a whole and
    /// for errors of syntax.
    pub key: String,
    /// The value found, where there is one.
    pub found: Option<String>,
    /// The problem itself.
    pub diagnostic: Diagnostic,
}

/// The place of a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A place in the file.
    File {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// The line itself, and the marked part of it.
        excerpt: Excerpt,
    },
    /// A place in a `--set` argument.
    SetArgument {
        /// The number of the argument, from 0.
        index: usize,
        /// The argument itself.
        text: String,
    },
}

impl Diagnostics {
    pub(super) fn new(source_name: &str, diagnostics: Vec<LocatedDiagnostic>) -> Self {
        Self {
            source_name: source_name.to_owned(),
            diagnostics,
        }
    }

    /// Returns the problems by place.
    pub fn iter(&self) -> impl Iterator<Item = &LocatedDiagnostic> {
        self.diagnostics.iter()
    }

    /// Returns the number of problems, at least one.
    pub fn count(&self) -> usize {
        self.diagnostics.len()
    }
}

impl Location {
    pub(super) fn in_file(text: &str, range: Range<usize>) -> Self {
        let (line, column, excerpt) = Excerpt::locate(text, range);
        Self::File {
            line,
            column,
            excerpt,
        }
    }

    pub(super) fn is_on(&self, lines: &[usize]) -> bool {
        matches!(self, Self::File { line, .. } if lines.contains(line))
    }

    pub(super) fn sort_key(&self) -> (usize, usize, usize) {
        match self {
            Self::File { line, column, .. } => (0, *line, *column),
            // Arguments after the file, in which the person looks first.
            Self::SetArgument { index, .. } => (1, *index, 0),
        }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for diagnostic in &self.diagnostics {
            match &diagnostic.location {
                Location::File { line, column, .. } => {
                    write!(f, "{}:{line}:{column}: ", self.source_name)?;
                }
                // Escaped, because arguments and keys are foreign text: control characters
                // must not reach the terminal.
                Location::SetArgument { text, .. } => write!(f, "--set {}: ", text.escape_debug())?,
            }
            writeln!(f, "{diagnostic}\n")?;
        }
        let (count, source) = (self.count(), &self.source_name);
        let noun = if count == 1 { "problem" } else { "problems" };
        write!(f, "{count} {noun} in {source}")
    }
}

impl std::error::Error for Diagnostics {}

/// Writes everything except the name of the place, which contains the name of the file.
impl fmt::Display for LocatedDiagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key.escape_debug())?;
        }
        write!(f, "{}", self.diagnostic.message)?;
        let gutter = match &self.location {
            Location::File { line, excerpt, .. } => excerpt.write(f, *line)?,
            Location::SetArgument { .. } => 1,
        };
        for (label, text) in [
            ("found", &self.found),
            ("expected", &self.diagnostic.expected),
            ("hint", &self.diagnostic.hint),
        ] {
            if let Some(text) = text {
                write!(f, "\n{:gutter$} = {label}: {text}", "")?;
            }
        }
        Ok(())
    }
}
