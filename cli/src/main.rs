//! The `highwater` binary: arguments to library calls to an exit code.
//!
//! ```text
//! arguments ─► commands ─► library crates ─► output (stdout), exit code
//!                  │                        └► failure (stderr), exit code
//!                  └► options, progress, runtime
//! ```
//!
//! - [`commands`]: one file for each command, with its clap struct;
//! - [`options`]: option groups that several commands share;
//! - [`progress`]: the display of a run on stderr;
//! - [`device_log`]: the log of one device on stdout;
//! - [`runtime`]: the tokio runtime and the log;
//! - [`output`]: results on stdout; [`stderr`]: everything else that is printed;
//! - [`failure`]: errors with their hint, and their text;
//! - [`exit`]: the exit codes;
//! - [`paint`]: colours on stderr;
//! - [`heap`]: the allocator and its live bytes.

#![warn(
    clippy::print_stderr,
    reason = "panics when standard error is closed or full; use `stderr`"
)]

mod commands;
mod device_log;
mod exit;
mod failure;
mod heap;
mod options;
mod output;
mod paint;
mod progress;
mod runtime;
mod stderr;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;

use crate::{exit::Exit, failure::CliFailure};

fn main() -> ExitCode {
    // The last value that is dropped: it writes what is queued.
    let _flush = stderr::init();
    // Before anything is printed: errors of every command have colours.
    paint::init_colours();
    let result = match commands::Cli::try_parse() {
        Ok(cli) => cli.execute(),
        Err(usage) => print_usage(&usage),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.print();
            failure.exit().into()
        }
    }
}

/// Prints a help text or the version on stdout, or wrong usage on stderr.
fn print_usage(usage: &clap::Error) -> Result<Exit, CliFailure> {
    let printed = usage.print().and_then(|()| io::stdout().flush());
    match (usage.use_stderr(), printed) {
        (true, _) => Ok(Exit::Usage),
        (false, Ok(())) => Ok(Exit::Passed),
        (false, Err(error)) => Err(CliFailure::output(error)),
    }
}
