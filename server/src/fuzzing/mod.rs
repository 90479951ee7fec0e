//! What fuzz targets call: one function for each parser of bytes that somebody else
//! wrote. Each takes any bytes and panics when a promise is broken. Not part of the
//! library's interface.
//!
//! - [`ws`]: frames of a device socket, against tungstenite;
//! - [`device`]: the JSON in them;
//! - [`backplane`]: what nodes, consumers and brokers say to each other;
//! - [`queue`]: readings that lie in a queue;
//! - [`http`]: a call's path, headers and body;
//! - [`token`]: who somebody says to be.

mod backplane;
mod device;
mod http;
mod queue;
mod token;
mod ws;

pub use self::{
    backplane::{broker_frames, cluster_messages, embedded_broker_frames},
    device::device_frames,
    http::http_commands,
    queue::queued_telemetry,
    token::tokens,
    ws::ws_frames,
};
