//! A node's connections to its backplane, one after another, for as long as the node lives.

use std::{fmt::Display, sync::Arc};

use tokio::{sync::mpsc, task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    Backplane, ClusterSecret, Identity, Inbound,
    endpoint::{BackplaneEndpoint, Outbound},
};
use crate::net::{backoff::Backoff, bounded_queue::BoundedReceiver};

/// A node that joins a cluster.
pub(super) struct JoiningNode {
    pub(super) identity: Identity,
    /// The secret by which the members of the cluster know each other.
    pub(super) secret: Option<ClusterSecret>,
    /// The channel to the node. Its end is the end of the membership.
    pub(super) deliver: mpsc::Sender<Inbound>,
    /// Cancelled when the node leaves in order.
    pub(super) leave: CancellationToken,
}

/// A node's end of a backplane, and the task of its connections.
pub(super) type Joined = (Arc<dyn Backplane>, JoinHandle<()>);

/// The way to connect to one kind of broker.
pub(super) trait Connector: Send + 'static {
    /// The items of the send queue.
    type Item: Outbound;
    type Error: Display + Send;

    /// Connects and serves the connection until it ends. `Err` if it never joined.
    fn connect_once(
        &mut self,
        node: &JoiningNode,
        endpoint: &BackplaneEndpoint<Self::Item>,
        queue: &mut BoundedReceiver<Self::Item>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Starts the task of the connections to `broker` and returns at once.
///
/// The task ends when the node has left in order. It also ends when the receiver of
/// `deliver` is dropped, and then without a word, as if the process had died.
pub(super) fn join<C: Connector>(mut connector: C, broker: String, node: JoiningNode) -> Joined {
    let (endpoint, mut queue) = BackplaneEndpoint::new(node.identity.id.clone());
    let backplane = Arc::new(endpoint);
    let endpoint = Arc::clone(&backplane);
    let task = tokio::spawn(async move {
        tokio::select! {
            () = keep_connected(&mut connector, &broker, &node, &endpoint, &mut queue) => {}
            () = node.deliver.closed() => {}
        }
    });
    (backplane, task)
}

async fn keep_connected<C: Connector>(
    connector: &mut C,
    broker: &str,
    node: &JoiningNode,
    endpoint: &BackplaneEndpoint<C::Item>,
    queue: &mut BoundedReceiver<C::Item>,
) {
    let mut backoff = Backoff::default();
    while !node.leave.is_cancelled() {
        let began = Instant::now();
        match connector.connect_once(node, endpoint, queue).await {
            Ok(()) => backoff.record_disconnect(began.elapsed()),
            Err(error) => {
                tracing::warn!(broker, %error, "cannot join the backplane; retrying");
            }
        }
        // Marked first: nothing is queued for the ended connection after the queue
        // is cleared.
        endpoint.mark_disconnected();
        queue.clear();
        // A node that leaves waits for no further attempt.
        node.leave.run_until_cancelled(backoff.wait()).await;
    }
}
