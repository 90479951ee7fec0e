//! `highwater man`.

use std::{fs, io, path::Path};

use clap::CommandFactory;

use super::print;
use crate::{
    args::{Args, Man},
    exit::Exit,
    failure::Failure,
};

/// Prints the man page, or writes one for each command.
pub(crate) fn execute(args: &Man) -> Result<Exit, Failure> {
    match &args.out {
        Some(out) => {
            write(out).map_err(|error| Failure::path("write man pages into", out, error))?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Args::command())
                .render(&mut page)
                .map_err(|error| Failure::new(Exit::Internal, error))?;
            print(&String::from_utf8_lossy(&page));
        }
    }
    Ok(Exit::Passed)
}

fn write(out: &Path) -> io::Result<()> {
    fs::create_dir_all(out)?;
    clap_mangen::generate_to(Args::command(), out)
}
