//! The functions of the fuzz targets: one for each parser of bytes from outside. Each
//! accepts any bytes and panics when a guarantee is broken. Not part of the library's
//! interface.
//!
//! - [`ws`]: frames of a device socket, compared with tungstenite;
//! - [`device`]: the JSON in these frames;
//! - [`backplane`]: messages of nodes, consumers and brokers, and records in a queue;
//! - [`http`]: the path, headers and body of a command request;
//! - [`proxy`]: the clients that proxies name;
//! - [`token`]: tokens of callers and devices.

mod backplane;
mod device;
mod http;
mod proxy;
mod token;
mod ws;

pub use self::{
    backplane::{broker_frames, cluster_messages, embedded_broker_frames, queued_telemetry},
    device::device_frames,
    http::http_commands,
    proxy::{forwarded_fields, proxy_headers},
    token::tokens,
    ws::ws_frames,
};
