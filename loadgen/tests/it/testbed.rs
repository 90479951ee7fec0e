//! The cluster of a scenario, as real processes of the `highwater` binary.
//!
//! The binary is taken from this build's folder, where `cargo test --workspace`
//! and `cargo build -p highwater` put it; `HIGHWATER_EXE` names another.

mod balancers;
mod broker;
mod ends;
mod fixture;
mod nodes;
mod samples;
