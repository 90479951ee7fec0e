//! A plan in words and numbers, for a person at a terminal.
//!
//! ```text
//! Plan, HostResources ─► chart ─► system ─► timeline ─► load ─► gates ─► text of 80 columns
//! ```
//!
//! - [`page`]: the text as a whole;
//! - [`host`]: the machine that the run is for;
//! - [`chart`], with [`axis`] and [`axis_labels`]: the plan on one axis;
//! - [`system`]: the system that the load is put on;
//! - [`timeline`]: what happens when, with [`frames`] for the frames of a pool;
//! - [`load`]: the load at its peak, and the files and memory that it takes;
//! - [`gates`]: the conditions that the run must meet;
//! - [`matrix`]: the cells of a matrix.

mod axis;
mod axis_labels;
mod chart;
mod frames;
mod gates;
mod host;
mod load;
mod matrix;
mod page;
mod system;
mod timeline;

pub use self::{
    host::{HostResources, MemoryEstimate},
    page::{describe, describe_matrix},
};
