//! The exit codes, decided in one place.

use std::process::ExitCode;

use highwater_loadgen::coordinator::RunError;
use highwater_reports::{
    record::{Ended, RecordError},
    summary::{Summary, Verdict},
};

/// How the program ends; `docs/exit-codes.md` explains each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Everything that was asked for holds.
    Passed = 0,
    /// A fault of highwater's own, or of the machine under it.
    Internal = 1,
    /// Wrong arguments or an invalid scenario.
    Usage = 2,
    /// A gate does not hold.
    GateFailed = 3,
    /// The harness was the limit, or a measurement is missing.
    Inconclusive = 4,
    /// The target or a pre-flight check refused.
    Refused = 5,
    /// Somebody stopped it.
    Interrupted = 130,
}

/// Why a command came to nothing.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    error: anyhow::Error,
    hint: Option<String>,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// What a run that was reported ends with.
    pub(crate) fn of(summary: &Summary) -> Self {
        match (summary.ended, summary.verdict) {
            (Ended::Interrupted, _) => Self::Interrupted,
            (_, Verdict::Passed) => Self::Passed,
            (_, Verdict::Failed) => Self::GateFailed,
            (_, Verdict::Inconclusive) => Self::Inconclusive,
        }
    }
}

impl Failure {
    /// Ends with `exit` because of `error`.
    pub(crate) fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self {
            exit,
            error: error.into(),
            hint: None,
        }
    }

    /// The same, with what the person can do about it.
    pub(crate) fn with_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    /// What the program ends with.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// The error with its causes, and the hint, on stderr.
    pub(crate) fn print(&self) {
        eprintln!("error: {:#}", self.error);
        if let Some(hint) = &self.hint {
            eprintln!("hint: {hint}");
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        let exit = match &error {
            RunError::Record(error) => of_record(error),
            RunError::Testbed(_)
            | RunError::Listen { .. }
            | RunError::WorkerTooSmall { .. }
            | RunError::TargetSilent { .. } => Exit::Refused,
            RunError::Interrupted => Exit::Interrupted,
            _ => Exit::Internal,
        };
        let hint = error.hint();
        Self::new(exit, error).with_hint(hint)
    }
}

/// A directory that is no record, or may not become one, is wrong usage.
pub(crate) fn of_record(error: &RecordError) -> Exit {
    match error {
        RecordError::NotEmpty(_) => Exit::Usage,
        _ => Exit::Internal,
    }
}
