//! The membership of one connection: its entry, its lease and its heartbeats.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::{
    Destination, Inbox, OutboundFrame, Transport,
    disconnect_reason::{DisconnectReason, with_timeout},
    failure_detector::FailureDetector,
    frame::{FrameBody, FrameHeader},
    membership_table::MembershipTable,
    outbound::OutboundOp,
    table_client::TableClient,
    table_signer::TableSigner,
};
use crate::backplane::{
    MessageKind,
    endpoint::BackplaneEndpoint,
    envelope::encode_frame,
    lease::{Lease, suspicion_timeout},
    reconnect::JoiningNode,
};

/// The membership of one connection.
///
/// The membership owns the table that the connection goes by. Its entry ends with
/// [`Membership::leave`], or when other members remove it after its lease.
pub(super) struct Membership<'c, C> {
    pub(super) endpoint: &'c BackplaneEndpoint<OutboundOp>,
    pub(super) transport: &'c C,
    pub(super) table: TableClient<'c, C>,
    pub(super) inbox: &'c Inbox,
    pub(super) generation: u64,
    pub(super) lease_duration: Duration,
    /// The own side of the lease. It expires before other members remove this one, so
    /// that a paused node does not act on what was meant for the time before.
    pub(super) lease: Lease,
    /// The origin of the clock in this connection's heartbeats.
    pub(super) started: Instant,
    pub(super) failure_detector: Mutex<FailureDetector>,
}

impl<'c, C: Transport> Membership<'c, C> {
    /// Returns the interval between two heartbeats of this member.
    pub(super) fn heartbeat_interval(&self) -> Duration {
        // Three heartbeats fit into the suspicion timeout: one or two may be lost or late.
        (self.lease_duration / 5).min(C::MAX_HEARTBEAT_INTERVAL)
    }

    /// Joins with `inbox`, in place of any earlier incarnation or connection of the node.
    pub(super) async fn join(
        endpoint: &'c BackplaneEndpoint<OutboundOp>,
        transport: &'c C,
        inbox: &'c Inbox,
        node: &JoiningNode,
        lease: Duration,
        signer: &'c TableSigner,
        last_known: Arc<MembershipTable>,
    ) -> Result<Self, DisconnectReason> {
        let now = Instant::now();
        // Starts before the join is stored, because the others count this node's silence
        // from the moment when they load the table. A join that takes longer is repeated.
        let own_lease = Lease::new(suspicion_timeout(lease));
        let table = TableClient::new(transport, signer, &endpoint.traffic, last_known);
        let joining = table.update(|table, above| {
            table.join(node.identity.clone(), inbox, lease, above)?;
            Ok(true)
        });
        let joined = joining.await?;
        let generation = joined
            .generation_of(inbox)
            .ok_or(DisconnectReason::Removed)?;
        let membership = Self {
            endpoint,
            transport,
            table,
            inbox,
            generation,
            lease_duration: lease,
            lease: own_lease,
            started: now,
            failure_detector: Mutex::new(FailureDetector::new(now)),
        };
        membership.apply_table(joined)?;
        Ok(membership)
    }

    /// Leaves in order: removes the own entry, the inbox and its tombstone.
    pub(super) async fn leave(&self) -> Result<(), DisconnectReason> {
        // The entry goes first, so that no member sends to the inbox any more. The tombstone
        // goes last: if a step fails, another member removes the inbox.
        let own = std::slice::from_ref(self.inbox);
        let remove_own =
            |table: &mut MembershipTable, above| Ok(!table.remove(own, above).is_empty());
        let without_own = self.table.update(remove_own).await?;
        // The others learn the new version at once, instead of after this node's lease.
        self.broadcast(self.heartbeat_frame(without_own.version()))
            .await?;
        let remove = self.transport.remove_inbox(self.inbox);
        with_timeout("remove an inbox", remove).await?;
        self.table
            .update(|table, _| Ok(table.remove_tombstones(own)))
            .await?;
        Ok(())
    }

    /// Sends a heartbeat with the version of the current table, and renews the lease.
    pub(super) async fn send_heartbeat(&self) -> Result<(), DisconnectReason> {
        // A node that was silent for too long gives up its entry by itself.
        self.lease.check()?;
        let now = Instant::now();
        let heartbeat = self.heartbeat_frame(self.table.current().version());
        let traffic = &self.endpoint.traffic;
        traffic.count_sent(MessageKind::Control, heartbeat.frame.len());
        self.broadcast(heartbeat).await?;
        // From before the send: the others cannot have received the heartbeat earlier.
        self.lease.renew(now);
        Ok(())
    }

    /// Applies another table, if this connection is a member in it.
    pub(super) fn apply_table(&self, table: MembershipTable) -> Result<(), DisconnectReason> {
        if table.generation_of(self.inbox).is_none() {
            return Err(DisconnectReason::Removed);
        }
        self.failure_detector
            .lock()
            .update_members(&table, Instant::now());
        // The regular load often returns the same table, and versions of views only grow.
        let is_newer = self.endpoint.last_view().version < table.version();
        let view = table.view();
        // The table before the view: a frame to a member of the view finds its inbox.
        self.table.set_current(table);
        if is_newer {
            self.endpoint.apply_view(view);
        }
        Ok(())
    }

    async fn broadcast(&self, frame: OutboundFrame) -> Result<(), DisconnectReason> {
        let send = self.transport.send(vec![frame]);
        Ok(with_timeout("send a heartbeat", send).await?)
    }

    fn heartbeat_frame(&self, version: u64) -> OutboundFrame {
        let sent_us = self.started.elapsed().as_micros() as u64;
        let header = FrameHeader {
            from: self.inbox.node.clone(),
            generation: self.generation,
            body: FrameBody::Heartbeat { version, sent_us },
        };
        OutboundFrame {
            to: Destination::Everyone,
            frame: encode_frame(&header, &[]),
        }
    }
}
