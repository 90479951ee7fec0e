//! The functions that fuzz targets call: one per parser of bytes from elsewhere.
//!
//! Each takes any bytes and panics when the parser breaks a promise. They are not part of
//! the library's interface.
//!
//! - [`control`]: messages of the control link;
//! - [`http`]: responses to upgrade requests, event streams, replies;
//! - [`device`]: frames that a device receives;
//! - [`messages`]: stamps and sequences of topic messages;
//! - [`metrics`]: metrics of nodes, brokers and balancers.

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
