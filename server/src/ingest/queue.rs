//! What a queue of readings must promise.

use std::{future::Future, time::Duration};

use bytes::Bytes;
use tokio::time::timeout;

use super::Reading;
use crate::id::Group;

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
pub(crate) trait Producer: Sized + Send + 'static {
    /// What is needed to connect.
    type Address: Clone + Send + Sync + 'static;

    /// Connects.
    fn connect(address: &Self::Address) -> impl Future<Output = Result<Self, WorkError>> + Send;

    /// Hands parcels over. Those that are settled by now are added to `settled`, also
    /// when the connection broke over the rest.
    fn submit(
        &mut self,
        parcels: Vec<Parcel>,
        settled: &mut Vec<Settled>,
    ) -> impl Future<Output = Result<(), WorkError>> + Send;

    /// Waits for parcels that are settled later; for ever where all are settled by
    /// [`Producer::submit`]. May be dropped at any time, and nothing is missed.
    fn settled(&mut self) -> impl Future<Output = Result<Vec<Settled>, WorkError>> + Send {
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
/// silent, without [`Member::hold`], for [`SILENCE`].
pub(crate) trait Member: Sized + Send + 'static {
    /// What is needed to connect.
    type Address: Clone + Send + Sync + 'static;
    /// Names a delivery when it is acknowledged.
    type Receipt: Clone + Send + Sync + 'static;

    /// Joins `group`, which exists from then on, as `name`, which is unique in it.
    fn join(
        address: &Self::Address,
        group: &Group,
        name: &str,
    ) -> impl Future<Output = Result<Self, WorkError>> + Send;

    /// Waits about a second for deliveries; at most [`IN_HAND`] are in hand at once.
    /// None is no error.
    fn take(
        &mut self,
    ) -> impl Future<Output = Result<Vec<Delivery<Self::Receipt>>, WorkError>> + Send;

    /// These are handled.
    fn acknowledge(
        &mut self,
        handled: &[Self::Receipt],
    ) -> impl Future<Output = Result<(), WorkError>> + Send;

    /// These are still being worked on; to be said at least every [`SILENCE`] / 3.
    fn hold(
        &mut self,
        in_hand: &[Self::Receipt],
    ) -> impl Future<Output = Result<(), WorkError>> + Send;

    /// Leaves with nothing in hand; acknowledgements said before reach the queue.
    fn leave(self) -> impl Future<Output = ()> + Send;
}

/// Deliveries that a member may have in hand: what is delivered twice when it dies.
pub(crate) const IN_HAND: usize = 64;

/// A member that says nothing for this long counts as dead.
pub(crate) const SILENCE: Duration = Duration::from_secs(5);

/// How long a connection may take to be made, with all that is said before the first
/// reading.
pub(crate) const CONNECT: Duration = Duration::from_secs(15);

/// Readings that a queue holds at most, and their bytes, before it refuses more.
pub(crate) const MOST_READINGS: usize = 100_000;
/// See [`MOST_READINGS`].
pub(crate) const MOST_BYTES: usize = 256 * 1024 * 1024;

/// A reading on its way into the queue, under the node's own number.
#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    pub(crate) number: u64,
    /// As [`Reading::encode`] writes it.
    pub(crate) payload: Bytes,
}

/// What became of a parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) number: u64,
    pub(crate) outcome: Outcome,
}

/// All of them, for one reason.
pub(crate) fn refused(parcels: &[Parcel], refusal: Refusal) -> impl Iterator<Item = Settled> {
    parcels.iter().map(move |parcel| Settled {
        number: parcel.number,
        outcome: Outcome::Refused(refusal),
    })
}

/// How a parcel is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Outcome {
    /// The queue has custody.
    Taken,
    /// It has not, and will not have.
    Refused(Refusal),
}

/// Why a reading was not taken. The device may send it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Refusal {
    /// The queue, or the node's own share of readings under way, has no room.
    Full,
    /// The queue cannot be reached.
    Away,
    /// Nobody has ever joined a group: there is nobody to handle it for.
    NoGroup,
    /// The node drains.
    Draining,
    /// Too many readings of this device are under way.
    Busy,
    /// This node has no backplane, and so no queue.
    NoQueue,
}

impl Refusal {
    pub(crate) const ALL: [Self; 6] = [
        Self::Full,
        Self::Away,
        Self::NoGroup,
        Self::Draining,
        Self::Busy,
        Self::NoQueue,
    ];

    /// As in the `refused` frame and in the metrics.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Away => "away",
            Self::NoGroup => "no-group",
            Self::Draining => "draining",
            Self::Busy => "busy",
            Self::NoQueue => "no-queue",
        }
    }

    /// When it is worth another try, in milliseconds.
    pub(crate) fn retry_ms(self) -> u64 {
        match self {
            Self::Busy => 100,
            Self::Full | Self::Away | Self::Draining => 500,
            Self::NoGroup => 1_000,
            Self::NoQueue => 60_000,
        }
    }
}

/// A reading in a member's hand.
#[derive(Debug, Clone)]
pub(crate) struct Delivery<R> {
    /// What is to be handled; `None` for something in the queue that is no reading,
    /// which is acknowledged unhandled.
    pub(crate) reading: Option<Reading>,
    /// Whether a member may have had it before.
    pub(crate) redelivered: bool,
    pub(crate) receipt: R,
}

/// Why a queue did not do what it was asked. All of them end the connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkError {
    /// The connection broke, or was never made.
    #[error("the queue of readings is away: {0}")]
    Broken(String),
    /// The queue is there and does not want this one.
    #[error("the queue of readings refused: {0}")]
    Refused(String),
}

/// What a queue did, if it did it in time.
pub(crate) async fn within<T>(
    limit: Duration,
    done: impl Future<Output = Result<T, WorkError>>,
) -> Result<T, WorkError> {
    match timeout(limit, done).await {
        Ok(done) => done,
        Err(_) => Err(WorkError::Broken(format!("no answer after {limit:?}"))),
    }
}

impl WorkError {
    pub(crate) fn broken(error: impl std::fmt::Display) -> Self {
        Self::Broken(error.to_string())
    }
}
