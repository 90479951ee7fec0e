//! Runs side by side, and a run against a baseline.
//!
//! - [`run`]: what a comparison keeps of a run's record;
//! - [`estimate`]: a figure with its noise within the run; [`change`]: whether two
//!   differ, and which is better;
//! - [`settings`]: what a run was asked for, setting by setting; [`likeness`]:
//!   whether runs may be compared, and what they differ in;
//! - [`cell`]: runs of the same settings taken together;
//! - [`lines`](mod@lines): the figures of balancing; [`grid`]: figures by cell;
//!   [`outcome`](mod@outcome): some of them in words;
//! - [`compare`](mod@compare): all of it; `text`: for a terminal; `json`: for programs;
//! - [`baseline`]: a run against another.

mod baseline;
mod cell;
mod change;
mod comparability;
mod compare;
mod error;
mod estimate;
mod grid;
mod json;
mod metrics;
mod page;
mod run;
mod settings;
mod summary_text;
mod text;

pub use baseline::evaluate;
pub use compare::{MismatchPolicy, RunComparison, compare};
pub use error::CompareError;
