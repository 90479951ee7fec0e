//! The embedded broker: a small TCP switch that joins the nodes of one machine.
//!
//! In reading order: [`wire`] (what goes over the connection), `hello` (who comes),
//! `switch` (who is there and who hears what), `run` (sockets), [`work`] (readings,
//! from nodes to consumers).

mod hello;
mod run;
mod switch;
pub(crate) mod wire;
pub(crate) mod work;

pub use run::{BrokerConfig, BrokerError, run};
