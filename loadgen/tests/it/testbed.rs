//! Clusters of real processes of the `highwater` binary.
//!
//! The binary is the one in this build's folder, which `cargo test --workspace` and
//! `cargo build -p highwater` put there. `HIGHWATER_EXE` names another one.

mod balancers;
mod broker;
mod exits;
mod fixture;
mod nodes;
mod samples;
