//! The conformance suite of the backplane: its contract, against every implementation and
//! the real server under it.
//!
//! - `promises`: what holds while brokers and nodes are well;
//! - `failures`: what holds when brokers die and return, and when nodes do not read;
//! - `membership`: leases, generations, incarnations and name spaces;
//! - `peer`: the members that drive these tests.

mod failures;
mod membership;
mod peer;
mod promises;
