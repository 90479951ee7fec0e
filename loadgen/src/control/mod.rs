//! The link between coordinator and workers: TCP, length-delimited JSON, a token.
//!
//! The link is off the load's path. A worker needs it to start, to stop and to send what
//! it counted, and never to know what is due next.
//!
//! - [`message`]: the messages, with a diagram of their order;
//! - [`limits`]: the limits of what a message may hold; [`left_out`]: the count of what exceeds
//!   them;
//! - [`link`]: one connection;
//! - [`offset`]: the offset between the two clocks.

pub mod left_out;
pub mod limits;
pub mod link;
pub mod message;
pub mod offset;

pub use left_out::LeftOut;
pub use link::{ControlLink, LinkError, LinkReader, LinkWriter};
pub use message::{
    Assignment, CounterBucket, FailureReport, FromWorker, Hello, ToWorker, UnacceptedTelemetry,
    WorkerInterval,
};

/// A worker's receiving half of its link.
pub type CoordinatorReader = LinkReader<ToWorker>;
/// A worker's sending half of its link.
pub type CoordinatorWriter = LinkWriter<FromWorker>;
