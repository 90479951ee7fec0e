//! `highwater coordinator`.

use anyhow::anyhow;
use highwater_loadgen::coordinator::Workers;

use super::{check, run};
use crate::{args::CoordinatorArgs, exit::Exit, failure::CliFailure};

/// Runs a scenario with workers that were started by hand.
pub(crate) fn execute(args: CoordinatorArgs) -> Result<Exit, CliFailure> {
    let workers = Workers::Remote {
        listen: args.listen,
        token: args.token,
        count: args.workers,
    };
    let scenario = check::load_matrix(&args.scenario)?;
    if !scenario.is_one_run() {
        return Err(too_many(scenario.runs()));
    }
    run::run(scenario.into_first(), &args.scenario, args.record, workers)
}

/// Refuses a matrix: workers end with their run, so the next run would have none.
fn too_many(runs: u64) -> CliFailure {
    let error = anyhow!("a coordinator leads one run, and this scenario has {runs}");
    let hint = "choose one: --set cluster.KEY=VALUE for each list of the matrix, and \
                --set matrix.repeat=1; or use `highwater run`";
    CliFailure::new(Exit::Usage, error).with_hint(Some(hint.to_owned()))
}
