//! What fuzz targets call: one function for each parser of bytes that somebody else
//! wrote. Each takes any bytes and panics when a promise is broken. Not part of the
//! library's interface.
//!
//! - [`ws`]: frames of a device socket, against tungstenite;
//! - [`device`]: the JSON in them;
//! - [`backplane`]: what nodes and the embedded broker say to each other;
//! - [`http`]: a call's path, headers and body.

mod backplane;
mod device;
mod http;
mod ws;

pub use self::{
    backplane::{broker_wire, cluster_messages},
    device::device_frames,
    http::http_calls,
    ws::ws_frames,
};
