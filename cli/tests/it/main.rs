//! The binary, as a person or a CI job uses it, over real processes.
//!
//! - [`truth`]: faults of known size must be found, and a clean run be clean;
//! - [`doctor`]: what this machine can hold, and the check before a run;
//! - [`balancing`]: balancers in front of the nodes, and a matrix of them;
//! - [`brokers`]: clusters joined by the embedded broker and by real ones;
//! - [`documented`]: every command that the documents show;
//! - [`endings`]: interrupted, killed, refused;
//! - [`errors`]: what a person reads when something is wrong;
//! - [`help`]: help texts, completions, man pages;
//! - [`readings`]: what devices report, to the journals of who handles it;
//! - [`secure`]: TLS, tokens, header fields, nodes that are full;
//! - [`target`]: a system and workers that somebody else starts;
//! - [`server`]: a part of the reference cluster that a test starts itself;
//! - [`harness`]: a run of the binary in a directory of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod balancing;
mod brokers;
mod doctor;
mod documented;
mod endings;
mod errors;
mod harness;
mod help;
mod messages;
mod readings;
mod secure;
mod server;
mod streams;
mod target;
mod truth;
