//! `highwater completions`.

use clap::CommandFactory;

use super::print;
use crate::{
    args::{Args, Completions},
    exit::Exit,
    failure::Failure,
};

/// Prints the completions of a shell.
pub(crate) fn execute(args: &Completions) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "highwater", &mut script);
    print(&String::from_utf8_lossy(&script));
    Ok(Exit::Passed)
}
