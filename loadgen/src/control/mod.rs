//! The link between coordinator and workers: TCP, length-delimited JSON, a
//! token. It is off the load's path: a worker needs it to start, to stop and
//! to tell what it counted, never to know what to do next.
//!
//! - [`message`]: what the two say to each other;
//! - [`link`]: one connection;
//! - [`offset`]: how far apart their clocks are.

pub mod link;
pub mod message;
pub mod offset;

pub use link::{ControlLink, LinkError, LinkReader, LinkWriter};
pub use message::{
    Assignment, CounterBucket, FromWorker, Hello, ToWorker, UnacceptedTelemetry, WorkerInterval,
};
