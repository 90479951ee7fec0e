//! The distributed load generator and the cluster it starts.
//!
//! - [`coordinator`]: one run, from its first process to its record;
//! - [`worker`]: a process that puts on its share of the load;
//! - [`control`]: the link between the two;
//! - [`testbed`]: the cluster that a scenario asks for;
//! - [`sampling`]: what every process uses, on one clock;
//! - [`doctor`]: what this machine's limits allow, before anything is started;
//! - [`access`]: how clients get in: certificates, header fields, tokens;
//! - [`clock`], [`endpoints`], [`error_chain`]: small things that several of them share.

pub mod access;
mod broker;
pub mod clock;
pub mod control;
pub mod coordinator;
pub mod doctor;
pub mod endpoints;
pub mod error_chain;
#[doc(hidden)]
pub mod fuzzing;
pub mod sampling;
pub mod testbed;
pub mod worker;
