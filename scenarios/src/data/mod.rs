//! Data files: a row of values for each device of a pool.
//!
//! ```text
//! a file's bytes ──► csv, json_lines ──► DataTable ──chunks of a segment──► workers
//!                            └──► DataProblem, with its line
//! ```
//!
//! Values may be secrets: no message, log or record shows one. A problem names its line and
//! its column.
//!
//! - [`table`]: rows of values, in little memory;
//! - [`file`](mod@file): the format and the limits of a file, and its reading;
//! - `csv`, `json_lines`: the two formats;
//! - `columns`: the names of columns;
//! - `pools`: the tables of a scenario's pools.

mod columns;
mod csv;
pub mod file;
mod json_lines;
mod pools;
pub mod table;

pub(crate) use self::{
    columns::check_value_name,
    pools::{DataFiles, PoolData, ReadDataFile},
};
pub use self::{
    file::{DataFormat, DataProblem, MAX_COLUMNS, MAX_FILE_BYTES, MAX_VALUE_BYTES},
    table::DataTable,
};
