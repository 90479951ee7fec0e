//! From a scenario file to each worker's exact share of the work.
//!
//! Pure: no runtime, no clock, no network.

pub mod check;
pub mod plan;
pub mod segment;
pub mod units;

pub use plan::Plan;
pub use segment::Segment;
