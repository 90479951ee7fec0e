//! The exit codes.

use std::process::ExitCode;

use highwater_reports::{
    record::RunEnd,
    summary::{Summary, Verdict},
};

/// The exit code of the program; `docs/exit-codes.md` explains each.
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
    /// The user interrupted it.
    Interrupted = 130,
    /// The reader of the result has gone: 128 and the number of SIGPIPE, as a shell has it.
    PipeClosed = 141,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// Returns the exit code of a run that has a report.
    pub(crate) fn for_summary(summary: &Summary) -> Self {
        match (summary.ended, summary.verdict) {
            // First, because the gates judged only a part of the run.
            (RunEnd::Interrupted, _) => Self::Interrupted,
            (_, Verdict::Passed) => Self::Passed,
            (_, Verdict::Failed) => Self::GateFailed,
            (_, Verdict::Inconclusive) => Self::Inconclusive,
        }
    }
}
