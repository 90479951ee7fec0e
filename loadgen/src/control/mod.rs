//! The link between a coordinator and its local workers: TCP, length-delimited JSON, a token.
//!
//! Workers on other machines join over the [bus](crate::bus), with the same messages.
//!
//! The link is off the load's path. A worker needs it to start, to stop and to send what
//! it counted, and never to know what is due next.
//!
//! ```text
//! coordinator ◄── message: JSON of bounded size ── link ──► worker
//! ```
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

/// A worker's source of messages of its coordinator.
pub trait CoordinatorSource: Send {
    /// Receives the next message. Dropping the future loses none.
    fn receive(&mut self) -> impl Future<Output = Result<ToWorker, LinkError>> + Send;
}

/// A worker's way to its coordinator.
pub trait CoordinatorSink: Send {
    /// Sends a message. Waits while too many are on their way.
    fn send(&mut self, message: FromWorker) -> impl Future<Output = Result<(), LinkError>> + Send;

    /// Waits until everything is where the end of this process does not lose it.
    fn finish(self) -> impl Future<Output = Result<(), LinkError>> + Send;
}

impl CoordinatorSource for CoordinatorReader {
    async fn receive(&mut self) -> Result<ToWorker, LinkError> {
        LinkReader::receive(self).await
    }
}

impl CoordinatorSink for CoordinatorWriter {
    async fn send(&mut self, message: FromWorker) -> Result<(), LinkError> {
        LinkWriter::send(self, &message).await
    }

    async fn finish(self) -> Result<(), LinkError> {
        // `send` has waited until the kernel had the message.
        Ok(())
    }
}

/// A worker's receiving half of its link.
pub type CoordinatorReader = LinkReader<ToWorker>;
/// A worker's sending half of its link.
pub type CoordinatorWriter = LinkWriter<FromWorker>;
