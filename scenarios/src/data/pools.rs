//! The data of a scenario's pools.

use std::{collections::BTreeMap, sync::Arc};

use highwater_types::format;
use sha2::{Digest, Sha256};

use super::file::{DataFormat, DataProblem};
use crate::{
    diagnostic::{Diagnostic, DiagnosticSink},
    plan::{DataRows, DataSpec},
    scenario::Scenario,
    section::devices::PoolSection,
};

/// A function that returns the bytes of a data file, named as in the scenario.
pub(crate) type ReadDataFile<'r> = &'r dyn Fn(&str) -> Result<Vec<u8>, Diagnostic>;

/// The data files of a scenario, each read once however many pools and cells name it.
pub(crate) struct DataFiles<'r> {
    read: ReadDataFile<'r>,
    known: BTreeMap<String, Result<DataSpec, Diagnostic>>,
}

/// The data of one pool.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PoolData {
    /// The pool names no file.
    Absent,
    /// The file has a problem, which is reported.
    Unreadable,
    /// The file's rows.
    Rows(DataSpec),
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

impl PoolData {
    pub(crate) fn spec(&self) -> Option<&DataSpec> {
        match self {
            Self::Rows(spec) => Some(spec),
            Self::Absent | Self::Unreadable => None,
        }
    }

    pub(crate) fn columns(&self) -> &[String] {
        self.spec().map_or(&[], |spec| &spec.columns)
    }
}

fn load(read: ReadDataFile<'_>, file: &str) -> Result<DataSpec, Diagnostic> {
    // The value type accepts no other name.
    let format = DataFormat::of(file).unwrap_or(DataFormat::Csv);
    let bytes = read(file)?;
    let content = format.parse(&bytes);
    let content = content.map_err(|problem: DataProblem| problem.in_file(file))?;
    let digest = Sha256::digest(&bytes);
    Ok(DataSpec {
        file: file.to_owned(),
        rows: content.table.rows(),
        columns: content.columns,
        sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        table: DataRows(Arc::new(content.table)),
    })
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
