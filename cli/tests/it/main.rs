//! The binary, as a person or a CI job uses it, over real processes.
//!
//! - [`truth`]: faults of known size must be found, and a clean run be clean;
//! - [`documented`]: every command that the documents show;
//! - [`endings`]: interrupted, killed, refused;
//! - [`target`]: a system and workers that somebody else starts;
//! - [`harness`]: a run of the binary in a directory of its own.

mod documented;
mod endings;
mod harness;
mod target;
mod truth;
