//! The guarantees of a telemetry queue.

use std::{future::Future, time::Duration};

use bytes::Bytes;
use tokio::time::timeout;

use super::Telemetry;
use crate::id::ConsumerGroup;

/// A node's connection to the queue. It does not reconnect: when it breaks, its calls
/// fail. The node opens a new one and publishes every record without a result again.
///
/// **Acceptance.** The queue accepts a record once it will deliver it to every existing
/// group. The page of each implementation says what an accepted record survives. Until then the
/// node keeps the record, and until the device has the node's answer, the device keeps it.
///
/// **Duplicates.** None while connections last. If a connection breaks after the queue
/// has got a record and before the node has its result, the record is queued twice.
///
/// **Order.** None.
///
/// **Bounds.** A full queue rejects new records. It never drops an accepted one. A broker that
/// has no bound, or drops records after a time, says so on its page.
pub(crate) trait TelemetryProducer: Sized + Send + 'static {
    /// The data that a connection needs.
    type Address: Clone + Send + Sync + 'static;

    /// Connects to the queue.
    fn connect(address: &Self::Address) -> impl Future<Output = Result<Self, QueueError>> + Send;

    /// Publishes records. Results that are known on return are added to `results`, even
    /// when the connection breaks over the rest.
    fn publish(
        &mut self,
        records: Vec<PendingPublish>,
        results: &mut Vec<PublishResult>,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Waits for results that come later. Never returns for a queue that gives all results
    /// in [`TelemetryProducer::publish`]. Cancel-safe: no result is lost.
    fn next_results(
        &mut self,
    ) -> impl Future<Output = Result<Vec<PublishResult>, QueueError>> + Send {
        std::future::pending()
    }
}

/// A consumer's connection to the queue, as a member of a group. Like a producer's, it
/// does not reconnect. When it breaks, its unacked records go to other members.
///
/// **Groups.** A group exists from the first join on, even without members. Each group
/// gets every record that was accepted since.
///
/// **Delivery.** At least once for each group, and exactly once as long as no member, no
/// node and no queue dies. Unacked records of a dead member are delivered to another one,
/// marked as redelivered. A member is dead when it has lost its connection, or has called
/// neither `acknowledge` nor [`GroupConsumer::extend_ack`] for [`GroupConsumer::ACK_WAIT`].
pub(crate) trait GroupConsumer: Sized + Send + 'static {
    /// The time without an acknowledgement or an extension after which a member is dead. A broker
    /// that allows no time as short as [`ACK_WAIT`] has a longer one.
    const ACK_WAIT: Duration = ACK_WAIT;

    /// The data that a connection needs.
    type Address: Clone + Send + Sync + 'static;
    /// The name of a delivery in its acknowledgement.
    type Receipt: Clone + Send + Sync + 'static;

    /// Joins `group`, which exists from then on, under a name that is unique in it.
    fn join(
        address: &Self::Address,
        group: &ConsumerGroup,
        name: &str,
    ) -> impl Future<Output = Result<Self, QueueError>> + Send;

    /// Waits about a second for deliveries. At most [`MAX_UNACKED`] are unacked at once. An
    /// empty answer is not an error.
    fn poll(
        &mut self,
    ) -> impl Future<Output = Result<Vec<TelemetryDelivery<Self::Receipt>>, QueueError>> + Send;

    /// Acknowledges records that are handled.
    fn acknowledge(
        &mut self,
        handled: &[Self::Receipt],
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Extends the time to acknowledge records that are still being handled. Must be called
    /// at least every [`GroupConsumer::ACK_WAIT`] / 3, so that one lost call does no harm.
    fn extend_ack(
        &mut self,
        unacked: &[Self::Receipt],
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Leaves without unacked records. Acknowledgements sent before reach the queue.
    fn leave(self) -> impl Future<Output = ()> + Send;
}

/// The unacked deliveries of one member. It bounds the records that are delivered twice
/// when the member dies.
pub(crate) const MAX_UNACKED: usize = 64;

/// The usual time without an acknowledgement or an extension after which a member is dead.
pub(crate) const ACK_WAIT: Duration = Duration::from_secs(5);

/// The time that a connection may take until it is ready for the first record.
pub(crate) const SETUP_TIMEOUT: Duration = Duration::from_secs(15);

/// The consumer groups of the embedded broker. Each record waits for all of them.
pub(crate) const MAX_GROUPS: usize = 64;

/// The records that a queue holds before it rejects more.
pub(crate) const MAX_QUEUED_RECORDS: usize = 100_000;
/// The bytes that a queue holds before it rejects more records.
pub(crate) const MAX_QUEUED_BYTES: usize = 256 * 1024 * 1024;

/// A record on its way into the queue.
#[derive(Debug, Clone)]
pub(crate) struct PendingPublish {
    /// The node's own number of the record.
    pub(crate) sequence: u64,
    /// The bytes of [`Telemetry::encode`].
    pub(crate) payload: Bytes,
}

/// The outcome of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PublishResult {
    pub(crate) sequence: u64,
    pub(crate) outcome: PublishOutcome,
}

/// Returns a rejection of each record, for one reason.
#[cfg(feature = "remote")]
#[allow(
    dead_code,
    reason = "not every broker rejects several records for one reason"
)]
pub(crate) fn reject_all(
    records: &[PendingPublish],
    reason: RejectReason,
) -> impl Iterator<Item = PublishResult> {
    records.iter().map(move |record| PublishResult {
        sequence: record.sequence,
        outcome: PublishOutcome::Rejected(reason),
    })
}

/// The queue's decision about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum PublishOutcome {
    /// The queue has the record.
    Accepted,
    /// The queue does not have the record, and will not get it.
    Rejected(RejectReason),
}

/// The reason why a record was rejected. The device may send it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum RejectReason {
    /// The queue is full, or the node has too many records in flight.
    Full,
    /// The queue cannot be reached.
    Unavailable,
    /// No consumer has ever joined a group, so no group would get the record.
    NoConsumerGroup,
    /// The node is draining.
    Draining,
    /// The limit of records in flight of this device is reached.
    Busy,
    /// The node has no backplane, and so no queue.
    NoQueue,
}

impl RejectReason {
    pub(crate) const ALL: [Self; 6] = [
        Self::Full,
        Self::Unavailable,
        Self::NoConsumerGroup,
        Self::Draining,
        Self::Busy,
        Self::NoQueue,
    ];

    /// Returns the reason in the `rejected` frame and in the metrics.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Unavailable => "unavailable",
            Self::NoConsumerGroup => "no_group",
            Self::Draining => "draining",
            Self::Busy => "busy",
            Self::NoQueue => "no_queue",
        }
    }

    /// Returns the time until the device may try again, in milliseconds.
    pub(crate) fn retry_ms(self) -> u64 {
        match self {
            // One of the device's own records in flight only needs its result.
            Self::Busy => 100,
            Self::Full | Self::Unavailable | Self::Draining => 500,
            // A consumer has to start first.
            Self::NoConsumerGroup => 1_000,
            // Only a restart of the node with a backplane changes it.
            Self::NoQueue => 60_000,
        }
    }
}

/// A record that was delivered to a member.
#[derive(Debug, Clone)]
pub(crate) struct TelemetryDelivery<R> {
    /// The record; `None` for bytes in the queue that are not a record. These are
    /// acknowledged and not handled.
    pub(crate) telemetry: Option<Telemetry>,
    /// Whether another member may have got the record before.
    pub(crate) redelivered: bool,
    pub(crate) receipt: R,
}

/// An error of a queue. Each one ends the connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueueError {
    /// The connection broke, or could not be opened.
    #[error("the telemetry queue is unavailable: {0}")]
    Disconnected(String),
    /// The queue refuses this client.
    #[error("the telemetry queue rejected the connection: {0}")]
    Rejected(String),
}

/// Returns the result of a call, or an error when it takes longer than `limit`.
pub(crate) async fn with_timeout<T>(
    limit: Duration,
    done: impl Future<Output = Result<T, QueueError>>,
) -> Result<T, QueueError> {
    let late = |_| QueueError::Disconnected(format!("no answer after {limit:?}"));
    timeout(limit, done).await.map_err(late)?
}

impl QueueError {
    pub(crate) fn disconnected(error: impl std::fmt::Display) -> Self {
        Self::Disconnected(error.to_string())
    }
}
