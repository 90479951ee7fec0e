//! `highwater worker`.

use std::{fs::OpenOptions, io, net::SocketAddr};

use clap::Args;
use highwater_loadgen::worker::{self, WorkerOptions};
use nix::unistd::dup2_stdout;

use super::signals::fail_writes_of_large_files;
use crate::{
    exit::Exit,
    failure::CliFailure,
    options::{TokenArgs, address::parse_address},
    runtime::{init_logging, runtime},
};

#[derive(Debug, Args)]
#[command(after_help = "Example:
  export HIGHWATER_TOKEN=...                            (the coordinator's)
  highwater worker --connect 192.0.2.1:7070

A worker gets everything else from its coordinator, and ends with the run.")]
pub(crate) struct WorkerArgs {
    /// The coordinator's address, HOST:PORT
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    pub(crate) connect: SocketAddr,
    #[command(flatten)]
    pub(crate) token: TokenArgs,
}

/// Puts on a share of a run's load.
pub(crate) fn execute(args: WorkerArgs) -> Result<Exit, CliFailure> {
    init_logging();
    let options = WorkerOptions {
        coordinator: args.connect,
        token: args.token.into_token()?,
    };
    discard_stdout().map_err(CliFailure::internal)?;
    runtime()?.block_on(async {
        fail_writes_of_large_files().map_err(CliFailure::internal)?;
        worker::run(options).await.map_err(CliFailure::from)
    })?;
    Ok(Exit::Passed)
}

/// Sends stdout, which a worker has no use for, to `/dev/null`. Goose prints there that its
/// users are launched, and panics if the disk is full or the pipe closed.
fn discard_stdout() -> io::Result<()> {
    let null = OpenOptions::new().write(true).open("/dev/null")?;
    Ok(dup2_stdout(null)?)
}
