//! The data of one pool.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{content::DataProblem, file::DataFormat};
use crate::{
    diagnostic::Diagnostic,
    plan::{DataRows, DataSpec},
};

/// A function that returns the bytes of a data file, named as in the scenario.
pub(crate) type ReadDataFile<'r> = &'r dyn Fn(&str) -> Result<Vec<u8>, Diagnostic>;

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

/// Reads a data file.
pub(crate) fn load(read: ReadDataFile<'_>, file: &str) -> Result<DataSpec, Diagnostic> {
    // The value type accepts no other name.
    let format = DataFormat::of(file).unwrap_or(DataFormat::Csv);
    let bytes = read(file)?;
    let content = format.parse(&bytes);
    let content = content.map_err(|problem: DataProblem| problem.in_file(file))?;
    Ok(DataSpec {
        file: file.to_owned(),
        rows: content.table.rows(),
        columns: content.columns,
        sha256: digest(&bytes),
        table: DataRows(Arc::new(content.table)),
    })
}

/// Returns the SHA-256 of a file's bytes, in hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
