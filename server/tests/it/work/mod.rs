//! Readings, from devices through a queue to groups of consumers: one suite, every
//! queue.
//!
//! - [`bench`]: a node, a device that sends, consumers and their journals;
//! - [`suite`]: what every queue must show;
//! - [`local`], [`brokers`]: the queues.

mod bench;
mod brokers;
mod local;
mod suite;

/// A queue as the suite sees it.
pub(crate) trait Queue: Send + 'static {
    /// As `--backplane` takes it.
    fn url(&self) -> String;

    /// Ends it without notice.
    async fn kill(&mut self);

    /// Starts it again where it was, with what it had stored.
    async fn start_again(&mut self);
}
