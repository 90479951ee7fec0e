//! The data files of a scenario's pools.

use std::collections::BTreeMap;

use highwater_types::format;

use crate::{
    data::{PoolData, ReadDataFile, load},
    diagnostic::{Diagnostic, DiagnosticSink},
    plan::DataSpec,
    scenario::Scenario,
    section::devices::PoolSection,
};

/// The data files of a scenario, each read once however many pools and cells name it.
pub(crate) struct DataFiles<'r> {
    read: ReadDataFile<'r>,
    known: BTreeMap<String, Result<DataSpec, Diagnostic>>,
}

impl<'r> DataFiles<'r> {
    pub(crate) fn new(read: ReadDataFile<'r>) -> Self {
        Self {
            read,
            known: BTreeMap::new(),
        }
    }

    /// Returns the data of each pool. Problems of files go to `sink`.
    pub(crate) fn of_pools(
        &mut self,
        scenario: &Scenario,
        sink: &mut DiagnosticSink,
    ) -> Vec<PoolData> {
        let pools = scenario.devices.elements().iter();
        pools.map(|pool| self.of_pool(pool, sink)).collect()
    }

    fn of_pool(&mut self, pool: &PoolSection, sink: &mut DiagnosticSink) -> PoolData {
        let Some(file) = &pool.data.value else {
            return match pool.data.is_written {
                true => PoolData::Unreadable,
                false => PoolData::Absent,
            };
        };
        let read = self.read;
        let spec = self
            .known
            .entry(file.clone())
            .or_insert_with(|| load(read, file))
            .clone();
        match spec.and_then(|spec| check_rows(pool, spec)) {
            Ok(spec) => PoolData::Rows(spec),
            Err(problem) => {
                sink.report(&pool.data.location.without_value(), problem);
                PoolData::Unreadable
            }
        }
    }
}

/// Checks that each device has a row.
fn check_rows(pool: &PoolSection, spec: DataSpec) -> Result<DataSpec, Diagnostic> {
    let devices = pool.count.value.unwrap_or(0);
    if spec.rows >= devices {
        return Ok(spec);
    }
    let message = format!(
        "{} has {} for {}",
        spec.file,
        format::plural(spec.rows, "row"),
        format::plural(devices, "device")
    );
    Err(Diagnostic::new(message)
        .expected("a row for each device of the pool")
        .hint(format!(
            "add {}, or write count = {}",
            format::plural(devices - spec.rows, "row"),
            spec.rows.max(1)
        )))
}
