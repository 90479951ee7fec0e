//! `highwater completions`.

use clap::{Args, Command};
use clap_complete::Shell;

use crate::{exit::Exit, failure::CliFailure, output::print};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  source <(highwater completions bash)
      For this shell; in ~/.bashrc for every one.
  highwater completions zsh > ~/.zfunc/_highwater
  highwater completions fish > ~/.config/fish/completions/highwater.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}

/// Prints the completions of `cli` for a shell.
pub(crate) fn execute(args: &CompletionsArgs, cli: &mut Command) -> Result<Exit, CliFailure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, cli, "highwater", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Passed)
}
