//! What joins the nodes: unicast, publish/subscribe, request/reply, membership.
//!
//! One file per backplane; the conformance suite in `tests/it` runs against each.
//! In reading order: [`view`] (who is there), this file's [`Backplane`] (the
//! guarantees), `url` and [`join`] (URL to backplane), `alone` (a cluster of one),
//! `local` (the embedded broker), `redis`, `nats`, `amqp` (RabbitMQ); and what they
//! share: `endpoint` (the node's end), `envelope` (request/reply over unicast),
//! `pending` (who waits for a reply), `lease` (how long a node may be silent),
//! `traffic` (counters), `remote` (membership over brokers that know nothing of
//! nodes).

#[cfg(feature = "amqp")]
pub(crate) mod amqp;
mod endpoint;
mod envelope;
mod join;
mod lease;
mod local;
pub(crate) mod local_protocol;
mod metrics;
#[cfg(feature = "nats")]
pub(crate) mod nats;
mod pending;
#[cfg(feature = "redis")]
pub(crate) mod redis;
#[cfg_attr(
    not(any(feature = "redis", feature = "nats", feature = "amqp")),
    expect(
        dead_code,
        unused_imports,
        reason = "a build without any broker's client"
    )
)]
pub(crate) mod remote;
mod standalone;
mod traffic;
mod url;
pub mod view;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, time::Instant};

pub(crate) use self::{
    envelope::{Envelope, decode_frame, encode_frame},
    metrics::collect_metrics,
    view::{IdConflict, initial_version, is_valid_version},
};
pub use self::{
    join::{BackplaneConfig, Identity, JoinedBackplane, join},
    traffic::{MessageKind, TrafficCounters},
    url::{BackplaneUrl, InvalidBackplaneUrl},
    view::{Member, MemberRole, View},
};
use crate::id::{NodeId, Topic};

/// A member's connection to the other nodes.
///
/// **Order.** What one node sends to another (messages, requests, forwarded
/// requests, replies) arrives in the order it was sent; what it publishes on a
/// topic likewise. Nothing that a node sends arrives before a view that it is in.
/// Nothing is promised between different senders, or between unicast and topics.
///
/// **Loss.** At most once. A message is lost when either end is disconnected, when
/// its receiver's queue at the backplane is full, or when the receiver dies. The
/// sender is not told, except that a request then ends in an error.
///
/// **Duplicates.** None.
///
/// **Size.** A payload is at most [`MAX_PAYLOAD_BYTES`].
pub trait Backplane: Send + Sync + 'static {
    /// The members, as this node sees them. Versions only grow. A receiver that
    /// looks too seldom misses versions; it can tell by the gap in the numbers.
    fn view(&self) -> watch::Receiver<Arc<View>>;

    /// Sends a message to one node. `Ok` means queued, not delivered.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent.
    fn send(&self, to: &NodeId, payload: Bytes) -> Result<(), SendError>;

    /// Asks one node and waits for the answer until `deadline`. The question is
    /// queued before this returns; dropping the future gives up the wait, and a
    /// late reply is dropped.
    fn request(
        &self,
        to: &NodeId,
        payload: Bytes,
        deadline: Instant,
    ) -> BoxFuture<'static, Result<Bytes, RequestError>>;

    /// Answers a request, from whichever node holds its address.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent.
    fn reply(&self, to: &ReplyTo, payload: Bytes) -> Result<(), SendError>;

    /// Hands a request on to `to`, which answers it in this node's place. The
    /// asking node is told, so that the death of `to` ends its wait.
    ///
    /// # Errors
    /// [`SendError`]; the request is still this node's to answer.
    fn forward(&self, request: &ReplyTo, to: &NodeId, payload: Bytes) -> Result<(), SendError>;

    /// Tells every other node that this one acts on no request any more that it has
    /// neither answered nor handed on: who waits for one is told
    /// [`RequestError::Unprocessed`], at once, and so is who still asks. For a node that
    /// is about to leave, which keeps the promise from here on.
    fn announce_leave(&self);

    /// Publishes to every *other* node that subscribes to `topic`.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent.
    fn publish(&self, topic: &Topic, payload: Bytes) -> Result<(), SendError>;

    /// Asks for what is published on `topic` from some moment soon on, and again
    /// after each reconnect. Idempotent.
    fn subscribe(&self, topic: &Topic);

    /// Undoes [`Backplane::subscribe`]. Idempotent.
    fn unsubscribe(&self, topic: &Topic);

    /// What has gone through so far.
    fn traffic(&self) -> &TrafficCounters;
}

/// The largest payload any backplane must carry, in bytes.
pub const MAX_PAYLOAD_BYTES: usize = 1024 * 1024;

/// What arrives from other nodes.
#[derive(Debug)]
pub enum Inbound {
    /// A message that wants no answer.
    Message {
        /// The node that sent it.
        from: NodeId,
        /// As sent.
        payload: Bytes,
    },
    /// A question; answer it with [`Backplane::reply`] or [`Backplane::forward`].
    Request {
        /// The node it came from last: the asking node, or one that forwarded it.
        from: NodeId,
        /// Where the answer goes.
        reply_to: ReplyTo,
        /// As sent.
        payload: Bytes,
    },
    /// Something published on a topic this node subscribes to.
    Published {
        /// The topic.
        topic: Topic,
        /// As published.
        payload: Bytes,
    },
}

/// The address of a waiting requester; may travel inside messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyTo {
    /// The asking node.
    pub node: NodeId,
    /// Its number for the request.
    pub correlation: u64,
}

/// Why nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// This node has no connection to the backplane now.
    #[error("not connected to the backplane")]
    Disconnected,
    /// The receiver is not in the current view.
    #[error("node {0} is not a member")]
    NotMember(NodeId),
    /// This node's own queue to the backplane is full.
    #[error("the queue to the backplane is full")]
    Full,
    /// The payload is longer than [`MAX_PAYLOAD_BYTES`].
    #[error("a payload of {0} bytes is too large for the backplane")]
    TooLarge(usize),
}

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// It was never sent.
    #[error(transparent)]
    NotSent(#[from] SendError),
    /// The node that was to answer is leaving, and neither has acted on the request
    /// nor will: it may be asked for elsewhere.
    #[error("node {0} leaves and did not act on it")]
    Unprocessed(NodeId),
    /// The node that was to answer left; it may have acted on the request.
    #[error("node {0} left before it answered")]
    Left(NodeId),
    /// The connection to the backplane broke while waiting.
    #[error("the connection to the backplane broke")]
    Disconnected,
    /// No answer in time; `at` is where the request was last known to be.
    #[error("no answer from node {at} by the deadline")]
    Deadline {
        /// The node that was to answer.
        at: NodeId,
    },
}
