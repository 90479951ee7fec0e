//! The embedded broker: a small TCP switch that joins the nodes of one machine.
//!
//! In reading order: [`wire`] (what goes over the connection), `hello` (who comes),
//! `switch` (who is there and who hears what), `run` (sockets), [`work`] (readings,
//! from nodes to consumers).

mod handshake;
mod hub;
mod run;
mod work_queue;

pub use run::{BrokerConfig, BrokerError, run};
