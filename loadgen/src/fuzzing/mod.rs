//! What fuzz targets call: one function for each parser of bytes that the target, a
//! worker or a coordinator wrote. Each takes any bytes and panics when a promise is
//! broken. Not part of the library's interface.
//!
//! - [`control`]: messages of the control link;
//! - [`http`]: the answer to an opening handshake, event streams, replies;
//! - [`device`]: what a node tells a device;
//! - [`messages`]: what subscribers hear;
//! - [`figures`]: what processes tell of themselves.

mod control;
mod device;
mod http;
mod messages;
mod metrics;

pub use self::{
    control::control_link,
    device::node_frames,
    http::{event_stream, handshake_response},
    messages::message_payloads,
    metrics::{balancer_metrics, broker_metrics, prometheus_text},
};
