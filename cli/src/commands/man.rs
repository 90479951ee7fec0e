//! `highwater man`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::{Args, Command};

use crate::{exit::Exit, failure::CliFailure, output::print};

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

/// Prints the man page of `cli`, or writes one for each command.
pub(crate) fn execute(args: &ManArgs, cli: Command) -> Result<Exit, CliFailure> {
    match &args.out {
        Some(out) => {
            write(cli, out)
                .map_err(|error| CliFailure::path("write man pages into", out, error))?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(cli)
                .render(&mut page)
                .map_err(CliFailure::internal)?;
            print(&String::from_utf8_lossy(&page))?;
        }
    }
    Ok(Exit::Passed)
}

fn write(cli: Command, out: &Path) -> io::Result<()> {
    fs::create_dir_all(out)?;
    clap_mangen::generate_to(cli, out)
}
