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
//!       │  frames/ ◄─ devices/          commands/          messages/
//!       │              └──────────► dialect/ ◄──────────────┘
//!       │                              │ sockets, HTTP
//!       │                              ▼
//!       └── recorder.rs ◄────────── the system
//! ```
//!
//! *When* something is due is computed by `scenarios::Segment`. *What* is done and counted
//! lies in [`devices`], [`commands`] and [`messages`]. *Whether to stop* is in [`signals`].
//!
//! - [`join`]: the registration of a local worker, from hello to go; [`remote`]: that of a
//!   worker on any machine, over the bus; `prepared`: clients and users before the go;
//! - `worker_run`, `drain`: the worker's part of the run, from go to done;
//! - [`attack`]: the goose users, with [`roles`] for what each does;
//! - [`context`], [`signals`]: the state that all users share;
//! - [`devices`]: idle heartbeat sockets; [`heartbeat`]: when a heartbeat is due, and its result, with
//!   [`heartbeat_grid`]: the instants that sockets share;
//! - [`login`]: the HTTP request of a device before its first socket;
//! - [`values`], [`addresses`]: the values of placeholders;
//! - [`frames`]: frames as a scenario declares them;
//! - [`commands`]: HTTP command traffic;
//! - [`arrivals`]: the schedules of the open model, with [`arrival_users`]: those who follow
//!   one;
//! - [`exchanges`]: messages of devices and their answers; [`links`]: the queues to their
//!   sockets;
//! - [`messages`]: messages to topics;
//! - [`dialect`]: the languages of systems under test; [`stomp`]: the state of a session of one of
//!   them;
//! - [`http`]: requests to the system's addresses, sent by [`http_clients`];
//! - [`observer`]: the events of one device, for a person who watches it;
//! - [`recorder`], [`conn_events`]: counts and timings, sent by [`reporter`];
//! - [`ramp_gate`]: holds the ramp while the system answers slowly; [`retry_budget`]: how many
//!   attempts of a pool may follow a failed one;
//! - [`connected_devices`]: the devices that a command can be sent to;
//! - [`failure_examples`]: examples of answers and errors behind the counts of failures;
//! - [`node_name`](mod@node_name): the names of nodes in the system's answers;
//! - [`source_address`]: local addresses and ports, so that ports do not run out, with
//!   [`ephemeral_ports`]: the ports of this machine;
//! - [`error`]: the reasons why a worker ends early.

pub mod addresses;
pub mod arrival_users;
pub mod arrivals;
pub mod attack;
pub mod commands;
pub mod conn_events;
pub mod connected_devices;
pub mod context;
pub mod devices;
pub mod dialect;
mod drain;
pub mod ephemeral_ports;
pub mod error;
pub mod exchanges;
pub mod failure_examples;
pub mod frames;
pub mod heartbeat;
pub mod heartbeat_grid;
pub mod http;
pub mod http_clients;
pub mod join;
pub mod links;
pub mod login;
pub mod messages;
pub mod node_name;
pub mod observer;
mod prepared;
pub mod ramp_gate;
pub mod recorder;
pub mod remote;
pub mod reporter;
pub mod retry_budget;
pub mod roles;
pub mod signals;
pub mod source_address;
pub mod stomp;
pub mod values;
mod worker_run;

pub use error::WorkerError;
pub use join::{WorkerOptions, run};
pub use remote::{BusWorkerOptions, IndexChoice, run_on_bus};
