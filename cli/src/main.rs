//! The `highwater` binary: arguments to library calls to an exit code.
//!
//! - [`args`]: what can be asked for;
//! - [`commands`]: one file for each command;
//! - [`exit`]: the exit codes;
//! - [`failure`]: why a command came to nothing, and how that is said;
//! - [`progress`]: what is shown while a run lasts;
//! - [`paint`]: colour on a terminal;
//! - [`heap`]: the allocator and its live bytes.

mod args;
mod commands;
mod exit;
mod failure;
mod heap;
mod paint;
mod progress;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Cli::parse();
    match commands::execute(args.command) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.print();
            failure.exit().into()
        }
    }
}
