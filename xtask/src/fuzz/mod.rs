//! `cargo xtask fuzz`: runs libFuzzer on every parser of foreign bytes. See
//! docs/conformance.md.
//!
//! - [`run`]: some targets or all, several at a time, and the table of what they did;
//! - [`target`]: one target, and which there are.

mod run;
mod target;

pub(crate) use self::run::{FuzzOptions, run};
