//! `highwater check`.

use highwater_loadgen::{
    doctor::{self, PlanLoad},
    sampling::raise_open_files,
};
use highwater_scenarios::{HostResources, Matrix};

use super::print;
use crate::{
    args::{CheckArgs, ScenarioArgs},
    exit::Exit,
    failure::CliFailure,
};

/// Validates a scenario and describes what it would do.
pub(crate) fn execute(args: &CheckArgs) -> Result<Exit, CliFailure> {
    let matrix = load_matrix(&args.scenario)?;
    let files_per_process =
        raise_open_files().map_err(|error| CliFailure::new(Exit::Internal, error))?;
    let available = doctor::read_host_limits().memory.remaining();
    let load = PlanLoad::new(
        &matrix.first().plan,
        None,
        Some(files_per_process),
        available,
    );
    let host = HostResources {
        files_per_process,
        memory: Some(load.memory),
    };
    print(&highwater_scenarios::describe_matrix(&matrix, &host));
    Ok(Exit::Passed)
}

/// The plans of a scenario; every problem of it in the failure.
pub(crate) fn load_matrix(args: &ScenarioArgs) -> Result<Matrix, CliFailure> {
    highwater_scenarios::load_matrix(&args.scenario, &args.set)
        .map_err(|error| CliFailure::scenario(&args.scenario, error))
}
