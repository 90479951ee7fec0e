//! `highwater worker`.

use std::net::SocketAddr;

use clap::Args;
use highwater_loadgen::worker::{self, WorkerOptions};

use crate::{
    exit::Exit,
    failure::CliFailure,
    options::TokenArgs,
    runtime::{init_logging, runtime},
};

#[derive(Debug, Args)]
#[command(after_help = "Example:
  export HIGHWATER_TOKEN=...                            (the coordinator's)
  highwater worker --connect 192.0.2.1:7070

A worker gets everything else from its coordinator, and ends with the run.")]
pub(crate) struct WorkerArgs {
    /// The coordinator's address, HOST:PORT
    #[arg(long, value_name = "ADDR")]
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
    runtime()?.block_on(worker::run(options))?;
    Ok(Exit::Passed)
}
