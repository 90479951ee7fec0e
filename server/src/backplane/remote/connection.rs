//! A connection to a broker, from connecting to its end.

use std::{marker::PhantomData, sync::Arc, time::Duration};

use highwater_types::BrokerUrl;
use tokio::time::timeout;

use super::{
    ClusterAddress, Inbox, Transport, TransportResult,
    active_connection::LEAVE_TIMEOUT,
    disconnect_reason::{DisconnectReason, with_timeout},
    inbound::inbound_channel,
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
    net::bounded_queue::BoundedReceiver,
};

/// The functions of a transport whose type is known only at run time.
pub(in crate::backplane) struct TransportFunctions {
    pub(in crate::backplane) check_url: fn(&BrokerUrl) -> TransportResult<()>,
    pub(in crate::backplane) join: fn(ClusterAddress, Duration, JoiningNode) -> Joined,
}

impl TransportFunctions {
    pub(in crate::backplane) fn of<C: Transport>() -> Self {
        Self {
            check_url: C::check_url,
            join: join::<C>,
        }
    }
}

/// Joins the cluster over a transport. Returns at once.
pub(super) fn join<C: Transport>(
    address: ClusterAddress,
    lease: Duration,
    node: JoiningNode,
) -> Joined {
    let broker = address.server.to_string();
    let connector = RemoteConnector::<C> {
        signer: TableSigner {
            secret: node.secret.clone(),
            cluster: address.cluster.clone(),
        },
        address,
        lease,
        // See `Inbox::connection` for the random half.
        connection_number: u64::from(rand::random::<u32>()) << 32,
        last_table: Arc::new(MembershipTable::new()),
        transport: PhantomData,
    };
    reconnect::join(connector, broker, node)
}

struct RemoteConnector<C> {
    address: ClusterAddress,
    signer: TableSigner,
    lease: Duration,
    /// The number of the last connection; see [`Inbox`].
    connection_number: u64,
    /// The table of the last connection. If the broker has lost its own, this node
    /// stores this one again.
    last_table: Arc<MembershipTable>,
    transport: PhantomData<C>,
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
        self.connection_number += 1;
        let inbox = Inbox {
            node: node.identity.id.clone(),
            incarnation: node.identity.incarnation,
            connection: self.connection_number,
        };
        let (sender, inbound) = inbound_channel(&endpoint.traffic);
        let connecting = with_timeout("connect", C::connect(&self.address, &inbox, sender));
        // A join is not cancelled: its entry may be stored already, and must be removed.
        let Some(transport) = node.leave.run_until_cancelled(connecting).await else {
            return Ok(());
        };
        let transport = transport?;
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
                Ok(ended)
            }
            Err(reason) => Err(reason),
        };
        let broker_answers = match &ended {
            Ok(Ok(())) => true,
            Ok(Err(reason)) | Err(reason) => reason.broker_answers(),
        };
        // Otherwise the inbox stays, until a survivor or the broker removes it.
        if broker_answers {
            let _ = timeout(LEAVE_TIMEOUT, transport.close()).await;
        }
        if let Err(reason) = ended? {
            let broker = &self.address.server;
            tracing::warn!(%broker, %reason, "lost the backplane; reconnecting");
        }
        Ok(())
    }
}
