//! `highwater check`.

use highwater_loadgen::{
    doctor::{self, Load},
    sampling::raise_open_files,
};
use highwater_scenarios::{Host, Matrix};

use super::print;
use crate::{
    args::{Check, ScenarioArgs},
    exit::Exit,
    failure::Failure,
};

/// Validates a scenario and describes what it would do.
pub(crate) fn execute(args: &Check) -> Result<Exit, Failure> {
    let matrix = load_matrix(&args.scenario)?;
    let files_per_process =
        raise_open_files().map_err(|error| Failure::new(Exit::Internal, error))?;
    let available = doctor::read().memory.left();
    let load = Load::new(
        &matrix.first().plan,
        None,
        Some(files_per_process),
        available,
    );
    let host = Host {
        files_per_process,
        memory: Some(load.memory),
    };
    print(&highwater_scenarios::describe_matrix(&matrix, &host));
    Ok(Exit::Passed)
}

/// The plans of a scenario; every problem of it in the failure.
pub(crate) fn load_matrix(args: &ScenarioArgs) -> Result<Matrix, Failure> {
    highwater_scenarios::load_matrix(&args.scenario, &args.set)
        .map_err(|error| Failure::scenario(&args.scenario, error))
}
