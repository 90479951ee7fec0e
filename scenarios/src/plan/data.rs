//! The data file of a pool.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::data_table::DataTable;

/// The data file of a pool: row `n` belongs to device `n`.
///
/// The values may be secrets. They are never serialised with the plan, and a record keeps the
/// file's name, size and digest alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSpec {
    /// The file's path as the scenario writes it.
    pub file: String,
    /// Number of rows, at least one for each device.
    pub rows: u64,
    /// The names of the columns.
    pub columns: Vec<String>,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// The rows, where the plan was made; empty in a plan that was read from a record or from
    /// the control link.
    #[serde(skip)]
    pub table: DataRows,
}

/// The rows of a data file, shared by the copies of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataRows(pub Arc<DataTable>);
