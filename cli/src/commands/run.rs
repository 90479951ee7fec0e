//! `highwater run`.

use clap::Args;
use highwater_loadgen::coordinator::{LocalWorkers, Workers};

use super::{doctor, matrix, single_run};
use crate::{
    exit::Exit,
    failure::CliFailure,
    options::{BindArgs, RecordArgs, ScenarioArgs},
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  highwater run scenarios/smoke.toml
  highwater run scenarios/idle-5k.toml --set devices.home.ramp=1000/s \\
      --set duration=45s
  highwater run scenarios/node-kill.toml --out runs/kill --workers 2
  highwater run scenarios/smoke.toml --baseline runs/before

Ctrl-C, SIGTERM, SIGQUIT, SIGUSR1, SIGUSR2 and a terminal that closes (SIGHUP)
end a run in order and report what there is; a second Ctrl-C ends it at once.
The exit code is the verdict: 0 passed, 3 failed, 4 inconclusive.
A scenario with a [matrix] is several runs, each in a directory of its own, and
in the end a comparison; the exit code is then the worst of theirs.")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArgs,
    #[command(flatten)]
    pub(crate) record: RecordArgs,
    /// Worker processes [default: as many as needed]
    ///
    /// 1 to 1000. The default is as many as the limit of open files requires. More
    /// processes spread the load over more CPU cores; the load stays the same.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) workers: Option<u32>,
    #[command(flatten)]
    pub(crate) bind: BindArgs,
    /// Start although this machine cannot carry it
    ///
    /// `highwater run` first compares the scenario with the limits of this machine,
    /// as `highwater doctor SCENARIO` does. A scenario that cannot work
    /// is refused with exit code 5. With this option the run starts after a warning,
    /// and whatever exceeds a limit fails during the run.
    #[arg(long)]
    pub(crate) try_anyway: bool,
}

/// Runs a scenario with workers on this machine.
pub(crate) fn execute(args: RunArgs) -> Result<Exit, CliFailure> {
    let scenario = args.scenario.load_matrix()?;
    let workers = LocalWorkers {
        count: args.workers,
        bind: args.bind.into_local_addresses()?,
    };
    // Before anything starts: a run that cannot work would fail only after its ramp.
    doctor::preflight(&scenario, &workers, args.try_anyway)?;
    if !scenario.is_one_run() {
        return matrix::run(&scenario, &args.scenario, &args.record, workers);
    }
    let workers = Workers::Local(workers);
    single_run::run(scenario.into_first(), &args.scenario, &args.record, workers)
}
