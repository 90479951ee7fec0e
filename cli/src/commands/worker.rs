//! `highwater worker`.

use highwater_loadgen::worker::{self, WorkerError, WorkerOptions};

use super::{log, runtime};
use crate::{
    args::Worker,
    exit::{Exit, Failure},
};

/// Puts on a share of a run's load.
pub(crate) fn execute(args: Worker) -> Result<Exit, Failure> {
    log();
    let options = WorkerOptions {
        coordinator: args.connect,
        token: args.token,
    };
    runtime()?
        .block_on(worker::run(options))
        .map_err(|error| Failure::new(of_worker(&error), error))?;
    Ok(Exit::Passed)
}

fn of_worker(error: &WorkerError) -> Exit {
    match error {
        WorkerError::Unreachable { .. } | WorkerError::Refused(_) | WorkerError::Silent => {
            Exit::Refused
        }
        _ => Exit::Internal,
    }
}
