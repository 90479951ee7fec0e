//! `highwater coordinator`.

use highwater_loadgen::coordinator::Workers;

use super::{check, run};
use crate::{args::Coordinator, exit::Exit, failure::Failure};

/// Runs a scenario with workers that somebody starts.
pub(crate) fn execute(args: Coordinator) -> Result<Exit, Failure> {
    let workers = Workers::Remote {
        listen: args.listen,
        token: args.token,
        count: args.workers,
    };
    let plan = check::load(&args.scenario)?;
    run::run(plan, &args.scenario, args.record, workers)
}
