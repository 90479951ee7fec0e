//! Runs side by side, and a run against a baseline.
//!
//! - [`estimate`]: a figure with its noise within the run;
//! - [`likeness`]: whether two runs may be compared at all;
//! - [`table`]: runs side by side; [`baseline`]: a run against another.

mod baseline;
mod estimate;
mod likeness;
mod table;

pub use baseline::judge;
pub use table::compare;
