//! `highwater coordinator`.

use highwater_loadgen::coordinator::Workers;

use super::run;
use crate::{args::Coordinator, exit::Exit, failure::Failure};

/// Runs a scenario with workers that somebody starts.
pub(crate) fn execute(args: Coordinator) -> Result<Exit, Failure> {
    let workers = Workers::Remote {
        listen: args.listen,
        token: args.token,
        count: args.workers,
    };
    run::run(&args.scenario, args.record, workers)
}
