//! Shell completions and man pages.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

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

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  highwater man | man -l -
  highwater man --out ~/.local/share/man/man1
      highwater.1, highwater-run.1, and so on.")]
pub(crate) struct ManArgs {
    /// Write a page for each command into this directory
    ///
    /// A missing directory is created. Without this option, the main page goes to
    /// stdout.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}
