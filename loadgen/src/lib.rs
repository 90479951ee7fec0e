//! The distributed load generator and the cluster it starts.

pub mod process;
pub mod sampling;
pub mod testbed;
