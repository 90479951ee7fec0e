//! The interface that a message broker must offer to join nodes.

use std::{future::ready, time::Duration};

use bytes::Bytes;
use highwater_types::{BrokerUrl, ServerAddress};

use super::{InboundSender, Inbox, TransportResult};
use crate::id::{ClusterName, Topic};

/// One connection to a broker, for one connection of one node to one cluster.
///
/// A transport never reconnects. When its connection breaks, it closes its
/// [`InboundSender`] and every call fails. The node then makes a new transport with
/// another inbox.
///
/// **Order.** Frames from one transport to one destination arrive in their order of
/// sending. A subscription that has returned is in force for what is sent later.
///
/// **Loss.** Frames may be lost when either end is disconnected or the receiver is slow.
///
/// **Duplicates.** None: a frame that may have been sent is not sent again.
///
/// Calls may run concurrently, but only one of `send`, `subscribe` and `unsubscribe` at
/// a time. The caller cancels a call after some seconds and drops the transport then.
pub(in crate::backplane) trait Transport:
    Sized + Send + Sync + 'static
{
    /// The longest interval between two heartbeats of a node, however long its lease is.
    const MAX_HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);

    /// Checks that the client library accepts the address of a broker's server.
    fn check_url(url: &BrokerUrl) -> TransportResult<()>;

    /// Connects, creates the empty inbox `inbox`, and receives from it and from the
    /// channel of all nodes.
    ///
    /// Frames that others send after this returns go to `inbound`. A transport that is
    /// dropped without [`Transport::close`] only disconnects.
    fn connect(
        address: &ClusterAddress,
        inbox: &Inbox,
        inbound: InboundSender,
    ) -> impl Future<Output = TransportResult<Self>> + Send;

    /// Hands the frames to the broker, in order.
    fn send(&self, frames: Vec<OutboundFrame>) -> impl Future<Output = TransportResult<()>> + Send;

    /// Waits until the receivers have what was sent before, at a broker that accepts frames long
    /// before it delivers them. A node that leaves calls it: its entry ends after that.
    fn flush(&self) -> impl Future<Output = TransportResult<()>> + Send {
        ready(Ok(()))
    }

    /// Subscribes to topics. In force when this returns. Idempotent.
    fn subscribe(&self, topics: &[Topic]) -> impl Future<Output = TransportResult<()>> + Send;

    /// Undoes [`Transport::subscribe`]. Idempotent.
    fn unsubscribe(&self, topics: &[Topic]) -> impl Future<Output = TransportResult<()>> + Send;

    /// Loads the cluster's membership table, or `None` if the broker has none.
    fn load_table(&self) -> impl Future<Output = TransportResult<Option<StoredTable>>> + Send;

    /// Stores `table`, if the stored table still has the revision `expected_revision`.
    /// `None` expects that no table is stored. Returns `false` if the check fails.
    fn store_table(
        &self,
        expected_revision: Option<u64>,
        table: Bytes,
    ) -> impl Future<Output = TransportResult<bool>> + Send;

    /// Removes an abandoned inbox with its content and, where the broker allows it, the
    /// connection that still reads it. Idempotent.
    ///
    /// If it fails, the node tries again later, over this transport if it still works.
    fn remove_inbox(&self, inbox: &Inbox) -> impl Future<Output = TransportResult<()>> + Send;

    /// Returns the names of the inboxes of this cluster at a broker that keeps them until a
    /// member removes them.
    fn list_inboxes(&self) -> impl Future<Output = TransportResult<Vec<String>>> + Send {
        ready(Ok(Vec::new()))
    }

    /// Removes those of the inboxes in `listed` that are not in `known`, and whose process can
    /// no longer join. Returns their number.
    ///
    /// `known` are the inboxes in the membership table, loaded after `listed`.
    fn remove_orphans(
        &self,
        _listed: Vec<String>,
        _known: &[Inbox],
    ) -> impl Future<Output = TransportResult<usize>> + Send {
        ready(Ok(0))
    }

    /// Returns the servers that the broker has named so far, over this connection. A node
    /// tries them too when it connects again.
    fn named_servers(&self) -> Vec<ServerAddress> {
        Vec::new()
    }

    /// Removes the own inbox and disconnects in order.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// The address of a cluster at one server of a broker.
#[derive(Debug, Clone)]
pub(in crate::backplane) struct ClusterAddress {
    pub(in crate::backplane) server: BrokerUrl,
    /// The name space at the broker. It is part of every key, channel, subject, exchange
    /// and queue, because other clusters may use the same broker.
    pub(in crate::backplane) cluster: ClusterName,
}

/// A frame with its destination.
#[derive(Debug)]
pub(in crate::backplane) struct OutboundFrame {
    pub(in crate::backplane) to: Destination,
    pub(in crate::backplane) frame: Bytes,
}

/// The destination of a frame.
#[derive(Debug, Clone)]
pub(in crate::backplane) enum Destination {
    /// One inbox. The frame is dropped when the inbox no longer exists.
    Inbox(Inbox),
    /// The subscribers of a topic, including the sender if it subscribes.
    Topic(Topic),
    /// Every node, including the sender.
    Everyone,
}

/// The membership table as the broker stores it.
#[derive(Debug)]
pub(in crate::backplane) struct StoredTable {
    /// The revision. Each store changes it, and no revision returns.
    pub(in crate::backplane) revision: u64,
    pub(in crate::backplane) table: Bytes,
}
