//! What a broker must do for nodes to be joined through it.

use std::future::Future;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::id::{NodeId, Topic};

/// One connection to a broker, for one life of one node in one cluster. It is
/// never mended: when it breaks, the channel of [`Arrived`] ends, every call fails,
/// and a new one is made.
///
/// **Order.** Frames sent by one carrier to one place arrive in the order sent.
/// **Loss.** Frames may be lost when either end is disconnected or the receiver
/// is too slow; the broker then breaks the receiver's connection or drops.
/// **Duplicates.** None.
pub(in crate::backplane) trait Carrier: Sized + Send + Sync + 'static {
    /// What is needed to connect: the parsed URL and the name of the cluster.
    type Address: Clone + Send + Sync + 'static;

    /// Connects, creates the node's own inbox, empty, and listens to it and to
    /// what is sent to everyone. Frames sent by others after this returns
    /// arrive.
    fn connect(
        address: &Self::Address,
        me: &Inbox,
    ) -> impl Future<Output = Result<(Self, mpsc::Receiver<Arrived>), CarrierError>> + Send;

    /// Hands the frames to the broker, in order.
    fn send(&self, frames: Vec<Outgoing>) -> impl Future<Output = Result<(), CarrierError>> + Send;

    /// Listens to a topic from when this returns. Idempotent.
    fn subscribe(&self, topic: &Topic) -> impl Future<Output = Result<(), CarrierError>> + Send;

    /// Undoes [`Carrier::subscribe`]. Idempotent.
    fn unsubscribe(&self, topic: &Topic) -> impl Future<Output = Result<(), CarrierError>> + Send;

    /// The cluster's roster as the broker keeps it; `None` when it keeps none.
    fn load(&self) -> impl Future<Output = Result<Option<Stored>, CarrierError>> + Send;

    /// Keeps `roster` in place of the one of revision `instead_of` (`None`: of
    /// none). `false`, and nothing done, when another is kept by now.
    fn store(
        &self,
        instead_of: Option<u64>,
        roster: Bytes,
    ) -> impl Future<Output = Result<bool, CarrierError>> + Send;

    /// Removes the inbox of a life that is over and what waits in it. Idempotent.
    fn remove_inbox(&self, inbox: &Inbox) -> impl Future<Output = Result<(), CarrierError>> + Send;

    /// Removes the own inbox and disconnects: a clean stop.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// Where one life of a node receives. Another life has another inbox, so that
/// nobody reads what was meant for an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::backplane) struct Inbox {
    pub(in crate::backplane) node: NodeId,
    pub(in crate::backplane) boot: u64,
}

/// A frame on its way out.
#[derive(Debug)]
pub(in crate::backplane) struct Outgoing {
    pub(in crate::backplane) to: Destination,
    pub(in crate::backplane) frame: Bytes,
}

/// Where a frame goes.
#[derive(Debug, Clone)]
pub(in crate::backplane) enum Destination {
    /// To one life of one node.
    Inbox(Inbox),
    /// To every node that listens to the topic, the sender too if it does.
    Topic(Topic),
    /// To every node, the sender too.
    Everyone,
}

/// A frame that arrived.
#[derive(Debug)]
pub(in crate::backplane) enum Arrived {
    /// In the own inbox, or sent to everyone.
    Frame(Bytes),
    /// On a topic this node listens to.
    Topic(Topic, Bytes),
}

/// The roster as the broker keeps it.
#[derive(Debug)]
pub(in crate::backplane) struct Stored {
    /// Changes with every store.
    pub(in crate::backplane) revision: u64,
    pub(in crate::backplane) roster: Bytes,
}

/// Why a broker did not do what it was asked. All of them end the connection.
#[derive(Debug, thiserror::Error)]
pub(in crate::backplane) enum CarrierError {
    /// The connection broke, or the broker refused.
    #[error("{0}")]
    Broken(String),
    /// The broker lacks something that it must have.
    #[error("{what}: {hint}")]
    Unsuitable { what: String, hint: &'static str },
}
