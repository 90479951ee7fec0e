//! `highwater worker`.

use highwater_loadgen::worker::{self, WorkerOptions};

use super::{init_logging, runtime};
use crate::{args::WorkerArgs, exit::Exit, failure::CliFailure};

/// Puts on a share of a run's load.
pub(crate) fn execute(args: WorkerArgs) -> Result<Exit, CliFailure> {
    init_logging();
    let options = WorkerOptions {
        coordinator: args.connect,
        token: args.token,
    };
    runtime()?.block_on(worker::run(options))?;
    Ok(Exit::Passed)
}
