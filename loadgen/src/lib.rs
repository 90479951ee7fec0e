//! The distributed load generator, and the cluster that it starts.
//!
//! ```text
//!   scenario's plan
//!        │
//!        ▼
//!   coordinator ──starts, events──► testbed ──► nodes, broker, balancers
//!     │      ▲  └────samples────► sampling ──────────────►│
//!     │      │ counts, each second                        │
//!     │   control link, or bus                            │
//!     │      │                                            │
//!     │   worker ──sockets, commands, messages───────────►┘
//!     ▼
//!   run record
//! ```
//!
//! - [`coordinator`]: one run, from its first process to its record;
//! - [`worker`]: a process that generates its share of the load;
//! - [`control`]: the link between the two on one machine, and its messages;
//! - [`bus`]: what passes between them on many machines;
//! - [`testbed`]: the cluster that a scenario asks for;
//! - `broker`: the brokers that a cluster may use and the harness does not start;
//! - [`sampling`]: samples of every process, on one clock;
//! - [`doctor`]: the limits of this machine, checked before anything is started;
//! - [`single_device`]: one device of a plan, observed, without a coordinator;
//! - [`access`]: certificates, header fields and tokens of clients;
//! - [`clock`], [`keys`], [`endpoints`], [`error_chain`]: small types that several share.

pub mod access;
mod broker;
pub mod bus;
pub mod clock;
pub mod control;
pub mod coordinator;
pub mod doctor;
pub mod endpoints;
pub mod error_chain;
#[doc(hidden)]
pub mod fuzzing;
pub mod keys;
pub mod sampling;
pub mod single_device;
pub mod testbed;
pub mod worker;
