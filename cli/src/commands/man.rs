//! `highwater man`.

use std::{fs, io, path::Path};

use clap::CommandFactory;

use super::print;
use crate::{
    args::{Cli, ManArgs},
    exit::Exit,
    failure::CliFailure,
};

/// Prints the man page, or writes one for each command.
pub(crate) fn execute(args: &ManArgs) -> Result<Exit, CliFailure> {
    match &args.out {
        Some(out) => {
            write(out).map_err(|error| CliFailure::path("write man pages into", out, error))?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command())
                .render(&mut page)
                .map_err(|error| CliFailure::new(Exit::Internal, error))?;
            print(&String::from_utf8_lossy(&page));
        }
    }
    Ok(Exit::Passed)
}

fn write(out: &Path) -> io::Result<()> {
    fs::create_dir_all(out)?;
    clap_mangen::generate_to(Cli::command(), out)
}
