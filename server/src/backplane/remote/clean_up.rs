//! The clean-up of a cluster by a process of its own, also when none of its members is left.
//!
//! The process joins as a gateway does. As a member it removes the silent ones and their
//! inboxes by the same rules as every other, and leaves when nothing is left to remove.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use highwater_types::BrokerUrl;
use tokio::time::sleep;

use super::{
    Transport,
    connection::{Connected, RemoteConnector},
    disconnect_reason::DisconnectReason,
    membership::Membership,
};
use crate::{
    backplane::{
        cleaned_up::{CleanUpError, CleanedUp},
        endpoint::BackplaneEndpoint,
        reconnect::JoiningNode,
    },
    id::ClusterName,
};

/// Joins, waits until nothing is left to remove, and leaves. Ends early when `node.leave` is
/// cancelled.
pub(super) fn clean_up<C: Transport>(
    url: BrokerUrl,
    cluster: ClusterName,
    lease: Duration,
    node: JoiningNode,
) -> BoxFuture<'static, Result<CleanedUp, CleanUpError>> {
    async move {
        let connector = RemoteConnector::<C>::new(url, cluster, lease, &node);
        let cleaned = connector.clean_up(&node).await;
        cleaned.map_err(|reason| CleanUpError::Failed(reason.to_string()))
    }
    .boxed()
}

impl<C: Transport> RemoteConnector<C> {
    async fn clean_up(&self, node: &JoiningNode) -> Result<CleanedUp, DisconnectReason> {
        let (endpoint, mut queue) = BackplaneEndpoint::new(node.identity.id.clone());
        let connect = |server| self.connect_to(server, node, &endpoint);
        let Connected {
            transport,
            inbox,
            inbound,
            ..
        } = self.servers.connect(connect).await?;
        let membership = Membership::join(
            &endpoint,
            &transport,
            &inbox,
            node,
            self.lease,
            &self.signer,
            Arc::clone(&self.last_table),
        )
        .await?;
        let orphans = tokio::select! {
            biased;
            ended = membership.serve(&mut queue, inbound, node) => {
                // Without an error it has been asked to leave.
                ended?;
                0
            }
            orphans = membership.remove_all_abandoned() => {
                let orphans = orphans?;
                membership.leave().await?;
                orphans
            }
        };
        let traffic = &endpoint.traffic;
        let cleaned = CleanedUp {
            members: traffic.evicted.get(),
            inboxes: traffic.inboxes_deleted.get(),
            never_joined: orphans as u64,
        };
        transport.close().await;
        Ok(cleaned)
    }
}

impl<C: Transport> Membership<'_, C> {
    /// Waits until every other member has been heard or removed, and every tombstone with its
    /// inbox; then removes the inboxes that no table knows. Returns the number of the latter.
    async fn remove_all_abandoned(&self) -> Result<usize, DisconnectReason> {
        while !self.is_settled() {
            sleep(self.heartbeat_interval() / 4).await;
        }
        self.sweep().await
    }

    fn is_settled(&self) -> bool {
        let table = self.table.current();
        let detector = self.failure_detector.lock();
        table.tombstones.is_empty() && detector.has_heard_all(&table, &self.inbox.node)
    }
}
