//! `highwater check`.

use highwater_loadgen::{
    doctor::{self, Load},
    sampling::raise_open_files,
};
use highwater_scenarios::{Host, Plan};

use super::print;
use crate::{
    args::{Check, ScenarioArgs},
    exit::Exit,
    failure::Failure,
};

/// Validates a scenario and describes what it would do.
pub(crate) fn execute(args: &Check) -> Result<Exit, Failure> {
    let plan = load(&args.scenario)?;
    let files_per_process =
        raise_open_files().map_err(|error| Failure::new(Exit::Internal, error))?;
    let available = doctor::read().memory.left();
    let load = Load::new(&plan, None, Some(files_per_process), available);
    let host = Host {
        files_per_process,
        memory: Some(load.memory),
    };
    print(&highwater_scenarios::describe(&plan, &host));
    Ok(Exit::Passed)
}

/// The plan of a scenario; every problem of it in the failure.
pub(crate) fn load(args: &ScenarioArgs) -> Result<Plan, Failure> {
    highwater_scenarios::load(&args.scenario, &args.set)
        .map_err(|error| Failure::scenario(&args.scenario, error))
}
