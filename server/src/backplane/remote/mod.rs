//! A backplane over a message broker that knows nothing of nodes: Redis, NATS,
//! RabbitMQ.
//!
//! What all of them share lives here: membership by leases, queues, reconnects.
//! What differs is a [`Transport`], one file a broker.
//!
//! The members are a document at the broker, the roster, changed by
//! compare-and-set. Every node beats on a channel that all hear, about once a
//! second, and says which version of the roster it goes by: who is behind loads
//! it. Who is silent for its lease is removed by a survivor, and its inbox with
//! it. A node that finds itself removed, or loses its connection, comes back with
//! another inbox and another `joined`: nothing that was meant for its earlier
//! place reaches it.
//!
//! In reading order: `carrier` (what a broker must do), `inbox` (where a node
//! receives), `arrivals` (what has come and waits), `frame` (what is sent),
//! `roster` (the document), `hearing` (who is silent), `reaper` (who clears up),
//! `membership` (the node's part in all this), `road` (the queue to the broker),
//! `link` (the connection), `lost` (why there is none).

#[cfg(test)]
pub(super) mod conformance;
mod connection;
mod disconnect_reason;
mod failure_detector;
mod frame;
pub(crate) mod fuzzing;
mod inbound;
mod inbox;
mod membership;
mod membership_table;
mod reaper;
mod send_queue;
#[cfg(all(test, feature = "redis"))]
mod tests;
mod transport;

use std::{sync::Arc, time::Duration};

use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use self::{connection::RemoteConnection, send_queue::SendQueue};
pub(super) use self::{
    inbound::{InboundFrame, InboundSender},
    inbox::Inbox,
    transport::{
        ClusterAddress, Destination, OutboundFrame, StoredTable, Transport, TransportError,
    },
};
use super::{Backplane, Identity, Inbound, endpoint::BackplaneEndpoint};

/// Starts the connection's task and returns at once. The task ends when it has
/// left in order, or, as if the process had died, when nobody holds the other end
/// of `deliver` any more.
pub(super) fn join<C: Transport>(
    address: ClusterAddress,
    identity: Identity,
    lease: Duration,
    deliver: mpsc::Sender<Inbound>,
    leave: CancellationToken,
) -> (Arc<dyn Backplane>, JoinHandle<()>) {
    let (road, jobs) = SendQueue::new(identity.id.clone());
    let endpoint = Arc::new(BackplaneEndpoint::new(identity.id.clone(), road));
    let link = RemoteConnection {
        endpoint: Arc::clone(&endpoint),
        address,
        identity,
        lease,
        deliver: deliver.clone(),
        ops: jobs,
        leave,
        // The high half tells processes apart that started in the same millisecond.
        connection_number: u64::from(rand::random::<u32>()) << 32,
    };
    let task = tokio::spawn(async move {
        tokio::select! {
            () = link.keep_connected::<C>() => {}
            () = deliver.closed() => {}
        }
    });
    (endpoint, task)
}
