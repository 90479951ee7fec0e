//! A worker: one process's share of the load.
//!
//! ```text
//! coordinator ◄── control link ──► join.rs ──► worker_run.rs ──► drain.rs
//!       ▲                             │             │ signals
//!       │ reporter.rs                 ▼             ▼
//!       │                  roles.rs ► attack.rs   context.rs ◄── everything below
//!       │                                │ one goose user per role
//!       │              ┌─────────────────┼──────────────────┐
//!       │              ▼                 ▼                  ▼
//!       │          devices/          commands/          messages/
//!       │              └──────────► dialect/ ◄──────────────┘
//!       │                              │ sockets, HTTP
//!       │                              ▼
//!       └── recorder.rs ◄────────── the system
//! ```
//!
//! *When* something is due is computed by `scenarios::Segment`. *What* is done and counted
//! lies in [`devices`], [`commands`] and [`messages`]. *Whether to stop* is in [`signals`].
//!
//! - [`join`]: the registration with the coordinator, from hello to go;
//! - `worker_run`, `drain`: the worker's part of the run, from go to done;
//! - [`attack`]: the goose users, with [`roles`] for what each does;
//! - [`context`], [`signals`]: the state that all users share;
//! - [`devices`]: idle heartbeat sockets;
//! - [`login`]: the HTTP request of a device before its first socket;
//! - [`values`], [`addresses`]: what placeholders stand for;
//! - [`commands`]: HTTP command traffic;
//! - [`messages`]: messages to topics;
//! - [`dialect`]: the languages of systems under test;
//! - [`http`]: requests to the system's addresses;
//! - [`recorder`], [`conn_events`]: counts and timings, sent by [`reporter`];
//! - [`connected_devices`]: the devices that a command can be sent to;
//! - [`unexpected_answers`]: examples of answers that no request hopes for;
//! - [`node_name`](mod@node_name): the names of nodes in the system's answers.

pub mod addresses;
pub mod attack;
pub mod commands;
pub mod conn_events;
pub mod connected_devices;
pub mod context;
pub mod devices;
pub mod dialect;
mod drain;
pub mod error;
pub mod http;
pub mod join;
pub mod login;
pub mod messages;
pub mod node_name;
pub mod recorder;
pub mod reporter;
pub mod roles;
pub mod signals;
pub mod unexpected_answers;
pub mod values;
mod worker_run;

pub use error::WorkerError;
pub use join::{WorkerOptions, run, run_with_dialect};
