//! What is wrong with a scenario: where, what was found, what is accepted, and
//! what to do next.

use std::fmt;

use crate::tree::SourceSpan;

mod excerpt;

pub use excerpt::Excerpt;

/// Everything that is wrong with one scenario, by place: the file from top to
/// bottom, then the `--set` arguments from left to right. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    source_name: String,
    diagnostics: Vec<Diagnostic>,
}

/// One thing that is wrong with a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where it is.
    pub location: Location,
    /// Path of the key, such as `devices.home.ramp`; empty for the file as a
    /// whole and for errors of syntax.
    pub key: String,
    /// What is wrong, in words.
    pub message: String,
    /// The value found, where there is one.
    pub found: Option<String>,
    /// What would have been accepted.
    pub expected: Option<String>,
    /// What to do next, where there is a good guess.
    pub hint: Option<String>,
}

/// Where a problem is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In the file.
    File {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// The line itself, and the part of it that is meant.
        excerpt: Excerpt,
    },
    /// In a `--set` argument.
    SetArgument {
        /// Which of them, from 0.
        index: usize,
        /// The argument itself.
        text: String,
    },
}

/// A problem before lines are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DiagnosticBuilder {
    span: SourceSpan,
    is_missing: bool,
    key: String,
    message: String,
    found: Option<String>,
    expected: Option<String>,
    hint: Option<String>,
}

/// Collects findings through all the levels.
#[derive(Debug, Default)]
pub(crate) struct DiagnosticSink {
    diagnostics: Vec<DiagnosticBuilder>,
    /// Lines that could not be read: what else is said about them is noise.
    unreadable_lines: Vec<usize>,
}

impl Diagnostics {
    /// The problems, by place.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics.iter()
    }

    /// How many there are; at least one.
    pub fn count(&self) -> usize {
        self.diagnostics.len()
    }
}

impl DiagnosticBuilder {
    pub(crate) fn new(origin: &SourceSpan, key: &str, what: impl Into<String>) -> Self {
        Self {
            span: origin.clone(),
            is_missing: false,
            key: key.to_owned(),
            message: what.into(),
            found: None,
            expected: None,
            hint: None,
        }
    }

    /// Something is missing. Not reported for a file with errors of syntax,
    /// where it may well be there and just could not be read.
    pub(crate) fn missing(origin: &SourceSpan, key: &str, what: impl Into<String>) -> Self {
        Self {
            is_missing: true,
            ..Self::new(origin, key, what)
        }
    }

    pub(crate) fn found(mut self, found: impl Into<String>) -> Self {
        self.found = Some(found.into());
        self
    }

    pub(crate) fn expected(mut self, accepted: impl Into<String>) -> Self {
        self.expected = Some(accepted.into());
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    /// Whether it stands beside errors of syntax: what is missing, or has no
    /// place because it was made up in recovery, does not.
    fn is_kept_beside_syntax_errors(&self) -> bool {
        let is_nowhere = matches!(&self.span, SourceSpan::File(range) if *range == (0..0));
        self.key.is_empty() || !(self.is_missing || is_nowhere)
    }

    fn locate(self, text: &str, sets: &[String]) -> Diagnostic {
        let place = match self.span {
            SourceSpan::File(range) => {
                let (line, column, excerpt) = Excerpt::locate(text, range);
                Location::File {
                    line,
                    column,
                    excerpt,
                }
            }
            SourceSpan::SetArgument(number) => Location::SetArgument {
                index: number,
                text: sets.get(number).cloned().unwrap_or_default(),
            },
        };
        Diagnostic {
            location: place,
            key: self.key,
            message: self.message,
            found: self.found,
            expected: self.expected,
            hint: self.hint,
        }
    }
}

impl DiagnosticSink {
    pub(crate) fn add(&mut self, finding: DiagnosticBuilder) {
        self.diagnostics.push(finding);
    }

    /// Adds those that are not there yet.
    pub(crate) fn add_unseen(&mut self, found: Self) {
        for finding in found.diagnostics {
            if !self.diagnostics.contains(&finding) {
                self.diagnostics.push(finding);
            }
        }
    }

    /// An error of syntax, at a byte range of `text`.
    pub(crate) fn add_syntax(&mut self, text: &str, finding: DiagnosticBuilder) {
        if let SourceSpan::File(range) = &finding.span {
            self.unreadable_lines
                .push(excerpt::line_of(text, range.start));
        }
        self.diagnostics.push(finding);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.diagnostics.is_empty()
    }

    pub(crate) fn into_diagnostics(
        self,
        source_name: &str,
        text: &str,
        sets: &[String],
    ) -> Diagnostics {
        let Self {
            diagnostics: list,
            unreadable_lines: unreadable,
        } = self;
        let mut list: Vec<Diagnostic> = list
            .into_iter()
            .filter(|finding| unreadable.is_empty() || finding.is_kept_beside_syntax_errors())
            .map(|finding| finding.locate(text, sets))
            .filter(|problem| problem.key.is_empty() || !problem.location.is_on(&unreadable))
            .collect();
        list.sort_by_key(|problem| problem.location.sort_key());
        list.dedup();
        Diagnostics {
            source_name: source_name.to_owned(),
            diagnostics: list,
        }
    }
}

impl Location {
    fn is_on(&self, lines: &[usize]) -> bool {
        matches!(self, Self::File { line, .. } if lines.contains(line))
    }

    fn sort_key(&self) -> (usize, usize, usize) {
        match self {
            Self::File { line, column, .. } => (0, *line, *column),
            Self::SetArgument { index: number, .. } => (1, *number, 0),
        }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.diagnostics {
            match &problem.location {
                Location::File { line, column, .. } => {
                    write!(f, "{}:{line}:{column}: ", self.source_name)?;
                }
                Location::SetArgument { text, .. } => write!(f, "--set {}: ", text.escape_debug())?,
            }
            writeln!(f, "{problem}\n")?;
        }
        let (count, source) = (self.count(), &self.source_name);
        let noun = if count == 1 { "problem" } else { "problems" };
        write!(f, "{count} {noun} in {source}")
    }
}

impl std::error::Error for Diagnostics {}

/// All but the place's name, which the file's name belongs to.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key.escape_debug())?;
        }
        write!(f, "{}", self.message)?;
        let gutter = match &self.location {
            Location::File { line, excerpt, .. } => excerpt.write(f, *line)?,
            Location::SetArgument { .. } => 1,
        };
        for (label, text) in [
            ("found", &self.found),
            ("accepted", &self.expected),
            ("hint", &self.hint),
        ] {
            if let Some(text) = text {
                write!(f, "\n{:gutter$} = {label}: {text}", "")?;
            }
        }
        Ok(())
    }
}
