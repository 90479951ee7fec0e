//! NATS as both the reference cluster and the harness use it.
//!
//! - [`server`]: the address of a server, and the user that the address names;
//! - [`streams`]: streams of JetStream that survive the loss of a server.

pub mod server;
pub mod streams;

pub use self::{
    server::{InvalidNatsUrl, NatsServer},
    streams::create_stream,
};
