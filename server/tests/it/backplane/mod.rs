//! The conformance suite of the backplane: what its trait promises, against every
//! implementation and the real server under it. A new one is a new `Kind`.
//!
//! `promises`: what holds while everything is well. `failures`: what holds when
//! brokers and nodes die, hang and come back. `membership`: who is there. `peer`:
//! what they are driven with.

mod failures;
mod membership;
mod peer;
mod promises;
