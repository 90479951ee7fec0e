//! The contract that every backplane fulfils.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::{sync::watch, time::Instant};

use super::{ReplyTo, RequestError, SendError, TrafficCounters, View};
use crate::id::{NodeId, Topic};

/// A member's connection to the other members of its cluster.
///
/// **Order.** Messages, requests, forwarded requests and replies from one node to
/// another arrive in the order in which they were sent. Messages that one node
/// publishes on one topic arrive in order as well. No message arrives before a view
/// that contains its sender. Messages of different senders have no order, nor do
/// unicasts and topics.
///
/// **Loss.** Delivery is at most once. A message is lost when either end is
/// disconnected, when the receiver's queue at the backplane is full, or when the
/// receiver dies. The sender gets no notice, except that a request ends in an error.
///
/// **Duplicates.** None.
///
/// **Size.** A payload has at most [`MAX_PAYLOAD_BYTES`](super::MAX_PAYLOAD_BYTES).
pub trait Backplane: Send + Sync + 'static {
    /// Returns the members as this node sees them.
    ///
    /// Versions only grow. A receiver that reads the view too rarely misses versions
    /// and can detect it by the gap in the numbers.
    fn view(&self) -> watch::Receiver<Arc<View>>;

    /// Sends a message to one node. `Ok` means queued, not delivered.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent.
    fn send(&self, to: &NodeId, payload: Bytes) -> Result<(), SendError>;

    /// Sends a request to one node and waits for its response until `deadline`.
    ///
    /// The request is queued before this method returns. Dropping the future cancels
    /// the wait; a late response is dropped.
    fn request(
        &self,
        to: &NodeId,
        payload: Bytes,
        deadline: Instant,
    ) -> BoxFuture<'static, Result<Bytes, RequestError>>;

    /// Responds to a request. Any node that holds the address may respond.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent.
    fn reply(&self, to: &ReplyTo, payload: Bytes) -> Result<(), SendError>;

    /// Passes a request on to the node `to`, which responds in this node's place.
    ///
    /// The requester gets a notice, so that the death of `to` ends its wait.
    ///
    /// # Errors
    /// [`SendError`]; this node must still respond to the request.
    fn forward(&self, request: &ReplyTo, to: &NodeId, payload: Bytes) -> Result<(), SendError>;

    /// Announces that this node processes no further requests.
    ///
    /// Other nodes get [`RequestError::Unprocessed`] at once for each request that this
    /// node has neither answered nor forwarded, and for each later one. The caller must
    /// keep that promise from here on: a leaving node calls this last.
    fn announce_leave(&self);

    /// Publishes to every *other* node that subscribes to `topic`.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent.
    fn publish(&self, topic: &Topic, payload: Bytes) -> Result<(), SendError>;

    /// Subscribes to `topic`, also on each later connection. Idempotent.
    ///
    /// Messages that are published before the backplane has the subscription are missed.
    fn subscribe(&self, topic: &Topic);

    /// Undoes [`Backplane::subscribe`]. Idempotent.
    fn unsubscribe(&self, topic: &Topic);

    /// Returns the counters of this connection's traffic since the process started.
    fn traffic(&self) -> &TrafficCounters;
}
