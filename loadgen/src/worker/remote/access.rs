//! Variables of the environment and files, which a plan names and the bus does not carry.

use std::path::PathBuf;

use highwater_scenarios::{DataTable, Plan, Segment, load_data, plan::SystemSpec, relocate_files};

use crate::{
    access::ClientAccess,
    bus::{Control, RunDocument},
    worker::{error::WorkerError, frames::pool_protocol::variable_names},
};

/// Returns the plan with the paths of this machine, and the folder at which they begin.
pub(super) fn local_plan(document: &RunDocument, files: Option<PathBuf>) -> (Plan, PathBuf) {
    let from = PathBuf::from(&document.folder);
    let folder = files.unwrap_or_else(|| from.clone());
    let mut plan = document.plan.clone();
    relocate_files(&mut plan, &from, &folder);
    (plan, folder)
}

/// Returns the access of clients to the system: of a target from this process's environment
/// and files, of a cluster as the coordinator says.
pub(super) fn client_access(plan: &Plan, control: &Control) -> Result<ClientAccess, WorkerError> {
    let SystemSpec::Target(target) = &plan.system else {
        return Ok(ClientAccess {
            tls_verify: control.tls_verify.clone().unwrap_or_default(),
            ..ClientAccess::default()
        });
    };
    let variables = variable_names(plan)?;
    let access =
        ClientAccess::from_target(plan, target, &variables, |name| std::env::var(name).ok());
    access.map_err(WorkerError::Access)
}

/// Reads the rows of the pools' data files that belong to `segment`.
pub(super) fn device_rows(
    plan: &Plan,
    segment: Segment,
    folder: &std::path::Path,
) -> Result<Vec<DataTable>, WorkerError> {
    let pools = plan.devices.iter().map(|pool| {
        let Some(data) = &pool.data else {
            return Ok(DataTable::default());
        };
        let whole = load_data(folder, data)?;
        let mut own = DataTable::new(data.columns.len());
        for chunk in whole.chunks_of(segment.indices(pool.count)) {
            // Chunks have the columns of their table.
            own.append(&chunk);
        }
        own.shrink_to_fit();
        Ok(own)
    });
    pools.collect::<Result<_, _>>().map_err(WorkerError::Data)
}
