//! Tests of the load generator against real processes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod connect;
mod containers;
mod doctor;
mod fuzz;
mod process;
mod sampling;
mod testbed;
