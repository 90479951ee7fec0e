//! A worker: one process's share of the load.
//!
//! - [`join`]: the conversation with the coordinator, from hello to done;
//! - [`attack`]: the goose users that do the work;
//! - [`swarm`]: idle heartbeat sockets;
//! - [`commands`]: HTTP command traffic;
//! - [`messages`]: messages to topics;
//! - [`context`]: what they all share;
//! - [`recorder`]: what they count;
//! - [`reporter`]: what of it is sent each second.

pub mod attack;
pub mod commands;
pub mod context;
pub mod join;
pub mod messages;
pub mod recorder;
pub mod reporter;
pub mod swarm;

pub use join::{WorkerError, WorkerOptions, run};
