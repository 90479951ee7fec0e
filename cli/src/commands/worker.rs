//! `highwater worker`.

use highwater_loadgen::worker::{self, WorkerOptions};

use super::{log, runtime};
use crate::{args::Worker, exit::Exit, failure::Failure};

/// Puts on a share of a run's load.
pub(crate) fn execute(args: Worker) -> Result<Exit, Failure> {
    log();
    let options = WorkerOptions {
        coordinator: args.connect,
        token: args.token,
    };
    runtime()?.block_on(worker::run(options))?;
    Ok(Exit::Passed)
}
