//! A connection to a broker, from connecting to its end.

use std::{
    marker::PhantomData,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use highwater_types::BrokerUrl;
use tokio::time::timeout;

use super::{
    ClusterAddress, Inbox, Transport, TransportResult,
    active_connection::LEAVE_TIMEOUT,
    disconnect_reason::{DisconnectReason, with_timeout},
    inbound::{InboundReceiver, inbound_channel},
    membership::Membership,
    membership_table::MembershipTable,
    outbound::OutboundOp,
    table_signer::TableSigner,
};
use crate::{
    backplane::{
        endpoint::BackplaneEndpoint,
        reconnect::{self, Connector, Joined, JoiningNode},
    },
    id::ClusterName,
    net::{bounded_queue::BoundedReceiver, broker_servers::BrokerServers},
};

/// Joins the cluster over a transport. Returns at once.
pub(super) fn join<C: Transport>(
    url: BrokerUrl,
    cluster: ClusterName,
    lease: Duration,
    node: JoiningNode,
) -> Joined {
    let broker = url.to_string();
    let connector = RemoteConnector::<C>::new(url, cluster, lease, &node);
    reconnect::join(connector, broker, node)
}

/// The way of one process to its cluster.
pub(super) struct RemoteConnector<C> {
    pub(super) servers: BrokerServers,
    cluster: ClusterName,
    pub(super) signer: TableSigner,
    pub(super) lease: Duration,
    /// The number of the next connection; see [`Inbox`].
    next_connection: AtomicU64,
    /// The table of the last connection. If the broker has lost its own, this node
    /// stores this one again.
    pub(super) last_table: Arc<MembershipTable>,
    transport: PhantomData<fn() -> C>,
}

/// A connection to one server, before the node has joined.
pub(super) struct Connected<C> {
    server: BrokerUrl,
    pub(super) transport: C,
    pub(super) inbox: Inbox,
    pub(super) inbound: InboundReceiver,
}

impl<C: Transport> Connector for RemoteConnector<C> {
    type Item = OutboundOp;
    type Error = DisconnectReason;

    async fn connect_once(
        &mut self,
        node: &JoiningNode,
        endpoint: &BackplaneEndpoint<OutboundOp>,
        queue: &mut BoundedReceiver<OutboundOp>,
    ) -> Result<(), DisconnectReason> {
        let connect = |server| self.connect_to(server, node, endpoint);
        let connecting = self.servers.connect(connect);
        // A join is not cancelled: its entry may be stored already, and must be removed.
        let Some(connected) = node.leave.run_until_cancelled(connecting).await else {
            return Ok(());
        };
        let Connected {
            server,
            transport,
            inbox,
            inbound,
        } = connected?;
        self.servers.discover(transport.named_servers());
        let is_reconnect = endpoint.last_view().version > 0;
        let last_table = Arc::clone(&self.last_table);
        let joining = Membership::join(
            endpoint,
            &transport,
            &inbox,
            node,
            self.lease,
            &self.signer,
            last_table,
        );
        let ended = match joining.await {
            Ok(membership) => {
                let version = endpoint.last_view().version;
                tracing::info!(%inbox, version, "joined the backplane");
                if is_reconnect {
                    endpoint.traffic.reconnects.add(1);
                }
                let ended = membership.serve(queue, inbound, node).await;
                self.last_table = membership.table.current();
                self.servers.discover(transport.named_servers());
                Ok(ended)
            }
            Err(reason) => Err(reason),
        };
        let broker_answers = match &ended {
            Ok(Ok(())) => true,
            Ok(Err(reason)) | Err(reason) => reason.broker_answers(),
        };
        if broker_answers {
            let _ = timeout(LEAVE_TIMEOUT, transport.close()).await;
        } else {
            // The inbox stays, until a survivor or the broker removes it. The other servers
            // are tried before this one.
            self.servers.record_failure(&server);
        }
        if let Err(reason) = ended? {
            tracing::warn!(broker = %server, %reason, "lost the backplane; reconnecting");
        }
        Ok(())
    }
}

impl<C: Transport> RemoteConnector<C> {
    pub(super) fn new(
        url: BrokerUrl,
        cluster: ClusterName,
        lease: Duration,
        node: &JoiningNode,
    ) -> Self {
        Self {
            servers: BrokerServers::new(url),
            signer: TableSigner {
                secret: node.secret.clone(),
                cluster: cluster.clone(),
            },
            cluster,
            lease,
            // See `Inbox::connection` for the random half.
            next_connection: AtomicU64::new(u64::from(rand::random::<u32>()) << 32),
            last_table: Arc::new(MembershipTable::new()),
            transport: PhantomData,
        }
    }

    /// Connects to one server, with an inbox of its own: an attempt that failed may have
    /// left one behind.
    pub(super) async fn connect_to(
        &self,
        server: BrokerUrl,
        node: &JoiningNode,
        endpoint: &BackplaneEndpoint<OutboundOp>,
    ) -> TransportResult<Connected<C>> {
        let inbox = Inbox {
            node: node.identity.id.clone(),
            incarnation: node.identity.incarnation,
            connection: self.next_connection.fetch_add(1, Relaxed),
        };
        let (sender, inbound) = inbound_channel(&endpoint.traffic);
        let address = ClusterAddress {
            server: server.clone(),
            cluster: self.cluster.clone(),
        };
        let connecting = C::connect(&address, &inbox, sender);
        let transport = with_timeout("connect", connecting).await?;
        Ok(Connected {
            server,
            transport,
            inbox,
            inbound,
        })
    }
}
