//! The connection to the broker, rebuilt for as long as the node lives.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    ClusterAddress, Inbox, Transport,
    active_connection::{ActiveConnection, ConnectionEnd, LEAVE_TIMEOUT},
    disconnect_reason::{DisconnectReason, with_timeout},
    inbound::{InboundReceiver, inbound_channel},
    membership::Membership,
    membership_table::MembershipTable,
    send_queue::{OutboundOp, SendQueue},
};
use crate::{
    backplane::{Backplane, Identity, Inbound, endpoint::BackplaneEndpoint},
    net::{backoff::Backoff, bounded_queue::BoundedReceiver},
};

/// Starts the connection's task and returns at once.
///
/// The task ends when the node has left in order. It also ends when the receiver of
/// `deliver` is dropped, and then without a word, as if the process had died.
pub(in crate::backplane) fn join<C: Transport>(
    address: ClusterAddress,
    identity: Identity,
    lease: Duration,
    deliver: mpsc::Sender<Inbound>,
    leave: CancellationToken,
) -> (Arc<dyn Backplane>, JoinHandle<()>) {
    let (send_queue, ops) = SendQueue::new();
    let endpoint = Arc::new(BackplaneEndpoint::new(identity.id.clone(), send_queue));
    let connection = RemoteConnection {
        endpoint: Arc::clone(&endpoint),
        address,
        identity,
        lease,
        deliver: deliver.clone(),
        ops,
        leave,
        // See `Inbox::connection` for the random half.
        connection_number: u64::from(rand::random::<u32>()) << 32,
        last_table: Arc::new(MembershipTable::new()),
    };
    let task = tokio::spawn(async move {
        tokio::select! {
            () = connection.keep_connected::<C>() => {}
            () = deliver.closed() => {}
        }
    });
    (endpoint, task)
}

/// The connection, owned by its task.
struct RemoteConnection {
    endpoint: Arc<BackplaneEndpoint<SendQueue>>,
    address: ClusterAddress,
    identity: Identity,
    lease: Duration,
    deliver: mpsc::Sender<Inbound>,
    ops: BoundedReceiver<OutboundOp>,
    leave: CancellationToken,
    /// The number of the last connection; see [`Inbox`].
    connection_number: u64,
    /// The table of the last connection. If the broker has lost its own, this node
    /// stores this one again.
    last_table: Arc<MembershipTable>,
}

impl RemoteConnection {
    /// Connects again and again until the node leaves.
    async fn keep_connected<C: Transport>(mut self) {
        let mut backoff = Backoff::default();
        while !self.leave.is_cancelled() {
            let began = Instant::now();
            match self.connect_once::<C>().await {
                Ok(ConnectionEnd::Left) => return,
                Ok(ConnectionEnd::Disconnected(reason)) => {
                    tracing::warn!(
                        broker = %self.address.server,
                        %reason,
                        "lost the backplane; reconnecting"
                    );
                    backoff.record_disconnect(began.elapsed());
                }
                Err(reason) => {
                    tracing::warn!(
                        broker = %self.address.server,
                        %reason,
                        "cannot join the backplane; retrying"
                    );
                }
            }
            // Marked first: nothing is queued for the ended connection after the queue
            // is cleared.
            self.endpoint.mark_disconnected();
            self.ops.clear();
            let leave = self.leave.clone();
            leave.run_until_cancelled(backoff.wait()).await;
        }
    }

    /// Connects and serves the connection until it ends. `Err` if it never joined.
    async fn connect_once<C: Transport>(&mut self) -> Result<ConnectionEnd, DisconnectReason> {
        self.connection_number += 1;
        let inbox = Inbox {
            node: self.identity.id.clone(),
            incarnation: self.identity.incarnation,
            connection: self.connection_number,
        };
        let (sender, inbound) = inbound_channel(&self.endpoint.traffic);
        let connecting = with_timeout("connect", C::connect(&self.address, &inbox, sender));
        let Some(transport) = self.leave.run_until_cancelled(connecting).await else {
            return Ok(ConnectionEnd::Left);
        };
        let transport = transport?;
        let ended = self.join_and_serve(&transport, &inbox, inbound).await;
        let broker_answers = match &ended {
            Ok(ConnectionEnd::Left) => true,
            Ok(ConnectionEnd::Disconnected(reason)) | Err(reason) => reason.broker_answers(),
        };
        // Otherwise the inbox stays, until a survivor or the broker removes it.
        if broker_answers {
            let _ = timeout(LEAVE_TIMEOUT, transport.close()).await;
        }
        ended
    }

    async fn join_and_serve<C: Transport>(
        &mut self,
        transport: &C,
        inbox: &Inbox,
        inbound: InboundReceiver,
    ) -> Result<ConnectionEnd, DisconnectReason> {
        let endpoint = &*self.endpoint;
        let is_reconnect = endpoint.last_view().version > 0;
        let last_table = Arc::clone(&self.last_table);
        let (identity, lease) = (&self.identity, self.lease);
        let membership =
            Membership::join(endpoint, transport, inbox, identity, lease, last_table).await?;
        let version = endpoint.last_view().version;
        tracing::info!(%inbox, version, "joined the backplane");
        if is_reconnect {
            endpoint.traffic.count_reconnect();
        }
        let active = ActiveConnection {
            endpoint,
            transport,
            membership: &membership,
            leave: &self.leave,
        };
        let ended = active.serve(&mut self.ops, inbound, &self.deliver).await;
        self.last_table = membership.table.current();
        Ok(ended)
    }
}
