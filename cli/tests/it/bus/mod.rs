//! Runs whose workers join over a real NATS server.
//!
//! - [`harness`]: the bus, the target, and the processes of a run;
//! - [`door`]: processes that take part or are refused: shares, versions, credentials, capacities;
//! - [`access`]: credentials and certificates of the bus; [`operator`]: an authority that signs
//!   credentials;
//! - [`failures`]: processes and servers that die, stop and come back;
//! - [`link`]: a worker whose link to the bus is cut; [`machines`]: a machine whose cable is pulled.

mod access;
mod door;
mod failures;
mod harness;
mod link;
mod machines;
mod operator;
