//! `highwater completions`.

use clap::CommandFactory;

use super::print;
use crate::{
    args::{Cli, CompletionsArgs},
    exit::Exit,
    failure::CliFailure,
};

/// Prints the completions of a shell.
pub(crate) fn execute(args: &CompletionsArgs) -> Result<Exit, CliFailure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "highwater", &mut script);
    print(&String::from_utf8_lossy(&script));
    Ok(Exit::Passed)
}
