//! A worker: one process's share of the load.
//!
//! - [`join`]: the conversation with the coordinator, from hello to done;
//! - [`attack`]: the goose users that do the work;
//! - [`devices`]: idle heartbeat sockets;
//! - [`commands`]: HTTP command traffic;
//! - [`messages`]: messages to topics;
//! - [`context`]: what they all share;
//! - [`recorder`]: what they count;
//! - [`movements`]: sockets that come and go, by the tenth of a second;
//! - [`node_name`](mod@node_name): what an answer may call a node;
//! - [`reporter`]: what of it is sent each second.

pub mod attack;
pub mod commands;
pub mod conn_events;
pub mod connected_devices;
pub mod context;
pub mod devices;
pub mod dialect;
pub mod join;
pub mod messages;
pub mod node_name;
pub mod recorder;
pub mod reporter;

pub use join::{WorkerError, WorkerOptions, run};
