//! Tests of the load generator against real processes.

mod process;
mod sampling;
mod testbed;
