//! The name of a run on the bus.

use std::{fmt, str::FromStr};

/// Most characters of a run's name.
const MAX_CHARS: usize = 64;

/// The name of a run: letters, digits, `-` and `_`, so that it can be part of the names of a
/// stream, a bucket and a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunId(String);

/// A text is not the name of a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {MAX_CHARS} letters, digits, `-` or `_`")]
pub struct InvalidRunId;

impl RunId {
    /// Makes a name from any text: what a name cannot hold becomes `-`.
    pub fn from_text(text: &str) -> Self {
        let allowed = |c: char| if is_allowed(c) { c } else { '-' };
        let name: String = text.chars().map(allowed).take(MAX_CHARS).collect();
        match name.is_empty() {
            true => Self("run".to_owned()),
            false => Self(name),
        }
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name of the run's stream and of its bucket.
    pub(crate) fn bucket(&self) -> String {
        format!("highwater-load-{}", self.0)
    }

    /// Returns the subject of the messages of the worker of segment `index`.
    pub(crate) fn subject_of(&self, index: u32) -> String {
        format!("highwater.load.{}.from.{index}", self.0)
    }

    /// Returns the subjects of the messages of all workers.
    pub(crate) fn subjects(&self) -> String {
        format!("highwater.load.{}.from.*", self.0)
    }

    /// Returns the subject at which the coordinator answers questions about its clock.
    pub(crate) fn clock_subject(&self) -> String {
        format!("highwater.load.{}.clock", self.0)
    }

    /// Returns the subject at which the coordinator says that the control document changed.
    pub(crate) fn nudge_subject(&self) -> String {
        format!("highwater.load.{}.changed", self.0)
    }

    /// Returns the subject at which processes say why they do not take part.
    pub(crate) fn refusal_subject(&self) -> String {
        format!("highwater.load.{}.refused", self.0)
    }
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

impl FromStr for RunId {
    type Err = InvalidRunId;

    fn from_str(text: &str) -> Result<Self, InvalidRunId> {
        let is_valid = (1..=MAX_CHARS).contains(&text.len()) && text.chars().all(is_allowed);
        is_valid.then(|| Self(text.to_owned())).ok_or(InvalidRunId)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_part_of_a_subject() {
        for invalid in ["", "a.b", "a b", "a*", "ä", &"x".repeat(65)] {
            assert_eq!(invalid.parse::<RunId>(), Err(InvalidRunId), "{invalid}");
        }
        let run: RunId = "20261130-smoke_2".parse().unwrap();
        assert_eq!(run.subject_of(3), "highwater.load.20261130-smoke_2.from.3");
        assert_eq!(RunId::from_text("20261130 a.b").as_str(), "20261130-a-b");
        assert_eq!(RunId::from_text("").as_str(), "run");
    }
}
