//! What a queue of readings must promise.

use std::{future::Future, time::Duration};

use bytes::Bytes;
use tokio::time::timeout;

use super::Telemetry;
use crate::id::ConsumerGroup;

/// A node's connection to the queue. It is never mended: when it breaks, its calls
/// fail and a new one is made, into which everything that was not settled is
/// submitted again.
///
/// **Custody.** A parcel is settled as taken once the queue will deliver it to every
/// group that exists, as durably as the queue is: each implementation says what that
/// survives. Until then the node has custody, and until the node has told the device
/// so, the device has.
///
/// **Duplicates.** None while connections last. A connection that breaks between
/// taking a parcel and settling it makes one of each parcel under way.
///
/// **Order.** None is promised.
///
/// **Bounds.** A queue that has no room refuses; nothing is pushed out to make some.
pub(crate) trait TelemetryProducer: Sized + Send + 'static {
    /// What is needed to connect.
    type Address: Clone + Send + Sync + 'static;

    /// Connects.
    fn connect(address: &Self::Address) -> impl Future<Output = Result<Self, QueueError>> + Send;

    /// Hands parcels over. Those that are settled by now are added to `settled`, also
    /// when the connection broke over the rest.
    fn publish(
        &mut self,
        parcels: Vec<PendingPublish>,
        settled: &mut Vec<PublishResult>,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Waits for parcels that are settled later; for ever where all are settled by
    /// [`Producer::submit`]. May be dropped at any time, and nothing is missed.
    fn next_results(
        &mut self,
    ) -> impl Future<Output = Result<Vec<PublishResult>, QueueError>> + Send {
        std::future::pending()
    }
}

/// A consumer's connection to the queue, as a member of a group. Like a producer's,
/// it is never mended; what the member had in hand belongs to others from then on.
///
/// **Groups.** A group exists from when its first member joined, also while it has no
/// members. Each group gets every reading that was taken since.
///
/// **Delivery.** At least once a group, and exactly once as long as no member, no node
/// and not the queue dies. What a dead member had not acknowledged is delivered to
/// another one, marked as redelivered. Dead is who has lost its connection or was
/// silent, without [`Member::extend_ack`], for [`ACK_WAIT`].
pub(crate) trait GroupConsumer: Sized + Send + 'static {
    /// What is needed to connect.
    type Address: Clone + Send + Sync + 'static;
    /// Names a delivery when it is acknowledged.
    type Receipt: Clone + Send + Sync + 'static;

    /// Joins `group`, which exists from then on, as `name`, which is unique in it.
    fn join(
        address: &Self::Address,
        group: &ConsumerGroup,
        name: &str,
    ) -> impl Future<Output = Result<Self, QueueError>> + Send;

    /// Waits about a second for deliveries; at most [`IN_HAND`] are in hand at once.
    /// None is no error.
    fn poll(
        &mut self,
    ) -> impl Future<Output = Result<Vec<TelemetryDelivery<Self::Receipt>>, QueueError>> + Send;

    /// These are handled.
    fn acknowledge(
        &mut self,
        handled: &[Self::Receipt],
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// These are still being worked on; to be said at least every [`ACK_WAIT`] / 3.
    fn extend_ack(
        &mut self,
        in_hand: &[Self::Receipt],
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Leaves with nothing in hand; acknowledgements said before reach the queue.
    fn leave(self) -> impl Future<Output = ()> + Send;
}

/// Deliveries that a member may have in hand: what is delivered twice when it dies.
pub(crate) const MAX_UNACKED: usize = 64;

/// A member that says nothing for this long counts as dead.
pub(crate) const ACK_WAIT: Duration = Duration::from_secs(5);

/// How long a connection may take to be made, with all that is said before the first
/// reading.
pub(crate) const SETUP_TIMEOUT: Duration = Duration::from_secs(15);

/// Readings that a queue holds at most, and their bytes, before it refuses more.
pub(crate) const MAX_QUEUED_RECORDS: usize = 100_000;
/// See [`MAX_QUEUED_RECORDS`].
pub(crate) const MAX_QUEUED_BYTES: usize = 256 * 1024 * 1024;

/// A reading on its way into the queue, under the node's own number.
#[derive(Debug, Clone)]
pub(crate) struct PendingPublish {
    pub(crate) sequence: u64,
    /// As [`Reading::encode`] writes it.
    pub(crate) payload: Bytes,
}

/// What became of a parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PublishResult {
    pub(crate) sequence: u64,
    pub(crate) outcome: PublishOutcome,
}

/// All of them, for one reason.
pub(crate) fn reject_all(
    parcels: &[PendingPublish],
    refusal: RejectReason,
) -> impl Iterator<Item = PublishResult> {
    parcels.iter().map(move |parcel| PublishResult {
        sequence: parcel.sequence,
        outcome: PublishOutcome::Rejected(refusal),
    })
}

/// How a parcel is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum PublishOutcome {
    /// The queue has custody.
    Accepted,
    /// It has not, and will not have.
    Rejected(RejectReason),
}

/// Why a reading was not taken. The device may send it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum RejectReason {
    /// The queue, or the node's own share of readings under way, has no room.
    Full,
    /// The queue cannot be reached.
    Unavailable,
    /// Nobody has ever joined a group: there is nobody to handle it for.
    NoConsumerGroup,
    /// The node drains.
    Draining,
    /// Too many readings of this device are under way.
    Busy,
    /// This node has no backplane, and so no queue.
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

    /// As in the `rejected` frame and in the metrics.
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

    /// When it is worth another try, in milliseconds.
    pub(crate) fn retry_ms(self) -> u64 {
        match self {
            Self::Busy => 100,
            Self::Full | Self::Unavailable | Self::Draining => 500,
            Self::NoConsumerGroup => 1_000,
            Self::NoQueue => 60_000,
        }
    }
}

/// A reading in a member's hand.
#[derive(Debug, Clone)]
pub(crate) struct TelemetryDelivery<R> {
    /// What is to be handled; `None` for something in the queue that is no reading,
    /// which is acknowledged unhandled.
    pub(crate) telemetry: Option<Telemetry>,
    /// Whether a member may have had it before.
    pub(crate) redelivered: bool,
    pub(crate) receipt: R,
}

/// Why a queue did not do what it was asked. All of them end the connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueueError {
    /// The connection broke, or was never made.
    #[error("the telemetry queue is unavailable: {0}")]
    Disconnected(String),
    /// The queue is there and does not want this one.
    #[error("the telemetry queue rejected it: {0}")]
    Rejected(String),
}

/// What a queue did, if it did it in time.
pub(crate) async fn with_timeout<T>(
    limit: Duration,
    done: impl Future<Output = Result<T, QueueError>>,
) -> Result<T, QueueError> {
    match timeout(limit, done).await {
        Ok(done) => done,
        Err(_) => Err(QueueError::Disconnected(format!(
            "no answer after {limit:?}"
        ))),
    }
}

impl QueueError {
    pub(crate) fn disconnected(error: impl std::fmt::Display) -> Self {
        Self::Disconnected(error.to_string())
    }
}
