//! What is wrong with a scenario: where, what was found, what is accepted, and
//! what to do next.

use std::fmt;

use crate::tree::Origin;

mod excerpt;

pub use excerpt::Excerpt;

/// Everything that is wrong with one scenario, by place: the file from top to
/// bottom, then the `--set` arguments from left to right. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    source_name: String,
    list: Vec<Problem>,
}

/// One thing that is wrong with a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it is.
    pub place: Place,
    /// Path of the key, such as `devices.home.ramp`; empty for the file as a
    /// whole and for errors of syntax.
    pub key: String,
    /// What is wrong, in words.
    pub what: String,
    /// The value found, where there is one.
    pub found: Option<String>,
    /// What would have been accepted.
    pub accepted: Option<String>,
    /// What to do next, where there is a good guess.
    pub hint: Option<String>,
}

/// Where a problem is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
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
    Set {
        /// Which of them, from 0.
        number: usize,
        /// The argument itself.
        text: String,
    },
}

/// A problem before lines are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    origin: Origin,
    absence: bool,
    key: String,
    what: String,
    found: Option<String>,
    accepted: Option<String>,
    hint: Option<String>,
}

/// Collects findings through all the levels.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Finding>,
    /// Lines that could not be read: what else is said about them is noise.
    unreadable: Vec<usize>,
}

impl Problems {
    /// The problems, by place.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }

    /// How many there are; at least one.
    pub fn count(&self) -> usize {
        self.list.len()
    }
}

impl Finding {
    pub(crate) fn new(origin: &Origin, key: &str, what: impl Into<String>) -> Self {
        Self {
            origin: origin.clone(),
            absence: false,
            key: key.to_owned(),
            what: what.into(),
            found: None,
            accepted: None,
            hint: None,
        }
    }

    /// Something is missing. Not reported for a file with errors of syntax,
    /// where it may well be there and just could not be read.
    pub(crate) fn absence(origin: &Origin, key: &str, what: impl Into<String>) -> Self {
        Self {
            absence: true,
            ..Self::new(origin, key, what)
        }
    }

    pub(crate) fn found(mut self, found: impl Into<String>) -> Self {
        self.found = Some(found.into());
        self
    }

    pub(crate) fn accepted(mut self, accepted: impl Into<String>) -> Self {
        self.accepted = Some(accepted.into());
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
    fn is_sound(&self) -> bool {
        let is_nowhere = matches!(&self.origin, Origin::File(range) if *range == (0..0));
        self.key.is_empty() || !(self.absence || is_nowhere)
    }

    fn into_problem(self, text: &str, sets: &[String]) -> Problem {
        let place = match self.origin {
            Origin::File(range) => {
                let (line, column, excerpt) = Excerpt::locate(text, range);
                Place::File {
                    line,
                    column,
                    excerpt,
                }
            }
            Origin::Set(number) => Place::Set {
                number,
                text: sets.get(number).cloned().unwrap_or_default(),
            },
        };
        Problem {
            place,
            key: self.key,
            what: self.what,
            found: self.found,
            accepted: self.accepted,
            hint: self.hint,
        }
    }
}

impl Findings {
    pub(crate) fn add(&mut self, finding: Finding) {
        self.list.push(finding);
    }

    /// Adds those that are not there yet.
    pub(crate) fn add_new(&mut self, found: Self) {
        for finding in found.list {
            if !self.list.contains(&finding) {
                self.list.push(finding);
            }
        }
    }

    /// An error of syntax, at a byte range of `text`.
    pub(crate) fn add_syntax(&mut self, text: &str, finding: Finding) {
        if let Origin::File(range) = &finding.origin {
            self.unreadable.push(excerpt::line_of(text, range.start));
        }
        self.list.push(finding);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn into_problems(self, source_name: &str, text: &str, sets: &[String]) -> Problems {
        let Self { list, unreadable } = self;
        let mut list: Vec<Problem> = list
            .into_iter()
            .filter(|finding| unreadable.is_empty() || finding.is_sound())
            .map(|finding| finding.into_problem(text, sets))
            .filter(|problem| problem.key.is_empty() || !problem.place.is_on(&unreadable))
            .collect();
        list.sort_by_key(|problem| problem.place.order());
        list.dedup();
        Problems {
            source_name: source_name.to_owned(),
            list,
        }
    }
}

impl Place {
    fn is_on(&self, lines: &[usize]) -> bool {
        matches!(self, Self::File { line, .. } if lines.contains(line))
    }

    fn order(&self) -> (usize, usize, usize) {
        match self {
            Self::File { line, column, .. } => (0, *line, *column),
            Self::Set { number, .. } => (1, *number, 0),
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.list {
            match &problem.place {
                Place::File { line, column, .. } => {
                    write!(f, "{}:{line}:{column}: ", self.source_name)?;
                }
                Place::Set { text, .. } => write!(f, "--set {}: ", text.escape_debug())?,
            }
            writeln!(f, "{problem}\n")?;
        }
        let (count, source) = (self.count(), &self.source_name);
        let noun = if count == 1 { "problem" } else { "problems" };
        write!(f, "{count} {noun} in {source}")
    }
}

impl std::error::Error for Problems {}

/// All but the place's name, which the file's name belongs to.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key.escape_debug())?;
        }
        write!(f, "{}", self.what)?;
        let gutter = match &self.place {
            Place::File { line, excerpt, .. } => excerpt.write(f, *line)?,
            Place::Set { .. } => 1,
        };
        for (label, text) in [
            ("found", &self.found),
            ("accepted", &self.accepted),
            ("hint", &self.hint),
        ] {
            if let Some(text) = text {
                write!(f, "\n{:gutter$} = {label}: {text}", "")?;
            }
        }
        Ok(())
    }
}
