//! `highwater check`.

use clap::Args;
use highwater_loadgen::{
    access::check_files,
    coordinator::{LocalWorkers, RunError, check_plan},
    doctor::{self, PlanLoad},
    sampling::raise_open_files,
};
use highwater_scenarios::{HostResources, plan::SystemSpec};

use crate::{
    exit::Exit,
    failure::CliFailure,
    options::{BusArgs, ScenarioArgs},
    output::print,
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  highwater check scenarios/idle-10k.toml
  highwater check scenarios/idle-10k.toml --set devices.home.count=1000000
  highwater check chat.toml --expanded
      The scenario with the keys of its preset.
  highwater check scenarios/idle-10k.toml --bus nats://bus.example
      Whether the bus may carry it as well.

All problems of a file are listed at once, each with its place, what was found
and what is accepted; the exit code is then 2.")]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArgs,
    /// Print the scenario with the keys of its preset instead
    ///
    /// The values of --set are in it too. The text is a scenario of its own: it
    /// shows every frame, and it is the start for changes that a preset has no
    /// parameter for.
    #[arg(long)]
    pub(crate) expanded: bool,
    #[command(flatten)]
    pub(crate) bus: BusArgs,
}

/// Validates a scenario and describes what it would do.
pub(crate) fn execute(args: CheckArgs) -> Result<Exit, CliFailure> {
    if args.expanded {
        print(&args.scenario.load_expanded()?)?;
        return Ok(Exit::Passed);
    }
    let matrix = args.scenario.load_matrix()?;
    if let Some(bus) = args.bus.options()? {
        for cell in matrix.cells() {
            check_plan(&cell.plan, &bus)?;
        }
    }
    if let SystemSpec::Target(target) = &matrix.first().plan.system {
        check_files(target).map_err(RunError::from)?;
    }
    // Raised as a run raises it, so that the plan is judged by the same limit.
    let files_per_process = raise_open_files().map_err(CliFailure::internal)?;
    let available = doctor::read_host_limits().memory.remaining();
    let load = PlanLoad::new(
        &matrix.first().plan,
        &LocalWorkers::default(),
        Some(files_per_process),
        available,
    );
    let host = HostResources {
        files_per_process,
        memory: Some(load.memory),
    };
    print(&highwater_scenarios::describe_matrix(&matrix, &host))?;
    Ok(Exit::Passed)
}
