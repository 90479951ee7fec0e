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
//! - [`file`](mod@file): the format of a file, and its reading;
//! - [`content`]: what a file holds, its limits and its problems;
//! - `csv`, `json_lines`: the two formats;
//! - `columns`: the names of columns;
//! - `pool_data`: the data of one pool. `crate::data_table` has its rows, and
//!   `crate::data_files` reads those of all pools.

mod columns;
pub mod content;
mod csv;
pub mod file;
mod json_lines;
mod pool_data;

pub(crate) use self::{
    columns::check_value_name,
    pool_data::{PoolData, ReadDataFile, digest, load},
};
pub use self::{
    content::{DataContent, DataProblem, MAX_COLUMNS, MAX_VALUE_BYTES},
    file::{DataFormat, MAX_FILE_BYTES},
};
