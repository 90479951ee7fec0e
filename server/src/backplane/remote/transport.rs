//! What a broker must do for nodes to be joined through it.

use std::future::Future;

use bytes::Bytes;
use highwater_types::BrokerUrl;

use super::{InboundSender, Inbox};
use crate::id::{ClusterName, Topic};

/// One connection to a broker, for one life of one node in one cluster. It is
/// never mended: when it breaks, the [`Intake`] is told, every call fails, and a
/// new one is made, with another inbox.
///
/// **Order.** Frames sent by one carrier to one place arrive in the order sent,
/// and a subscription that has returned is in force for what is sent after it.
/// **Loss.** Frames may be lost when either end is disconnected or the receiver is
/// too slow. **Duplicates.** None: what may have been sent is not sent again.
///
/// Calls may run side by side, but only one of `send`, `subscribe` and
/// `unsubscribe` at a time. Each is given up after some seconds, and the
/// connection with it.
pub(in crate::backplane) trait Transport:
    Sized + Send + Sync + 'static
{
    /// Connects, creates the inbox `me`, empty, and listens to it and to what is
    /// sent to everyone: frames that others send after this returns arrive in
    /// `arrivals`. A carrier that is dropped without [`Transport::close`] only
    /// disconnects.
    fn connect(
        address: &ClusterAddress,
        me: &Inbox,
        arrivals: InboundSender,
    ) -> impl Future<Output = Result<Self, TransportError>> + Send;

    /// Hands the frames to the broker, in order.
    fn send(
        &self,
        frames: Vec<OutboundFrame>,
    ) -> impl Future<Output = Result<(), TransportError>> + Send;

    /// Listens to topics from when this returns. Idempotent.
    fn subscribe(
        &self,
        topics: &[Topic],
    ) -> impl Future<Output = Result<(), TransportError>> + Send;

    /// Undoes [`Transport::subscribe`]. Idempotent.
    fn unsubscribe(
        &self,
        topics: &[Topic],
    ) -> impl Future<Output = Result<(), TransportError>> + Send;

    /// The cluster's roster as the broker keeps it; `None` when it keeps none.
    fn load_table(
        &self,
    ) -> impl Future<Output = Result<Option<StoredTable>, TransportError>> + Send;

    /// Keeps `roster` in place of the one of revision `instead_of` (`None`: of
    /// none). `false`, and nothing done, when another is kept by now.
    fn store_table(
        &self,
        instead_of: Option<u64>,
        roster: Bytes,
    ) -> impl Future<Output = Result<bool, TransportError>> + Send;

    /// Removes an inbox that is out of use, what waits in it and, where the broker
    /// can, the connection that still reads it. Idempotent. When it fails, it is tried
    /// again later, over this connection if it still stands.
    fn remove_inbox(
        &self,
        inbox: &Inbox,
    ) -> impl Future<Output = Result<(), TransportError>> + Send;

    /// Removes the own inbox and disconnects: a clean stop.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// Where a cluster meets.
#[derive(Debug, Clone)]
pub(in crate::backplane) struct ClusterAddress {
    pub(in crate::backplane) server: BrokerUrl,
    /// The name space at the broker: part of every key, channel, subject, exchange
    /// and queue, since other clusters may use the same one.
    pub(in crate::backplane) cluster: ClusterName,
}

/// A frame on its way out.
#[derive(Debug)]
pub(in crate::backplane) struct OutboundFrame {
    pub(in crate::backplane) to: Destination,
    pub(in crate::backplane) frame: Bytes,
}

/// Where a frame goes.
#[derive(Debug, Clone)]
pub(in crate::backplane) enum Destination {
    /// To one inbox; to nobody when it is gone.
    Inbox(Inbox),
    /// To every node that listens to the topic, the sender too if it does.
    Topic(Topic),
    /// To every node, the sender too.
    Everyone,
}

/// The roster as the broker keeps it.
#[derive(Debug)]
pub(in crate::backplane) struct StoredTable {
    /// Changes with every store.
    pub(in crate::backplane) revision: u64,
    pub(in crate::backplane) table: Bytes,
}

/// Why a broker did not do what it was asked. It ends the connection, except where
/// it is said otherwise.
#[derive(Debug, Clone, thiserror::Error)]
pub(in crate::backplane) enum TransportError {
    /// The connection broke, or the broker refused.
    #[error("{0}")]
    Broken(String),
    /// The broker lacks something that it must have. Said of a change of the roster by
    /// one who has its seat, it ends nothing: the change is tried again later.
    #[error("{what}: {hint}")]
    Unsuitable { what: String, hint: &'static str },
}
