//! A connection that has joined the cluster.

use std::{collections::BTreeMap, time::Duration};

use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Destination, OutboundFrame, Transport, TransportError,
    disconnect_reason::{DisconnectReason, with_timeout},
    inbound::InboundReceiver,
    membership::{Membership, heartbeat_interval},
    send_queue::{OutboundOp, SendQueue},
};
use crate::{
    backplane::{Inbound, endpoint::BackplaneEndpoint},
    id::Topic,
    net::bounded_queue::BoundedReceiver,
};

/// The operations that are taken from the queue for one call to the broker.
const BATCH: usize = 256;
/// The time for each step of leaving in order.
pub(super) const LEAVE_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection from its join to its end. The futures of its methods run in one task.
pub(super) struct ActiveConnection<'c, C> {
    pub(super) endpoint: &'c BackplaneEndpoint<SendQueue>,
    pub(super) transport: &'c C,
    pub(super) membership: &'c Membership<'c, C>,
    pub(super) leave: &'c CancellationToken,
}

/// The end of a connection that had joined.
pub(super) enum ConnectionEnd {
    /// The node has left in order.
    Left,
    /// The connection was lost.
    Disconnected(DisconnectReason),
}

impl<C: Transport> ActiveConnection<'_, C> {
    /// Serves the connection until the node leaves or the connection is lost.
    pub(super) async fn serve(
        &self,
        ops: &mut BoundedReceiver<OutboundOp>,
        inbound: InboundReceiver,
        deliver: &mpsc::Sender<Inbound>,
    ) -> ConnectionEnd {
        // A subscription from before the connected view is in the endpoint's set, and one
        // from after it goes through the queue. One in between is in both, which is harmless.
        self.endpoint.resubscribe.notify_one();
        tokio::select! {
            written = self.write_all(ops) => match written {
                Ok(()) => self.leave_in_order().await,
                Err(reason) => ConnectionEnd::Disconnected(reason),
            },
            reason = self.read_all(inbound, deliver) => ConnectionEnd::Disconnected(reason),
            reason = self.membership.maintain() => ConnectionEnd::Disconnected(reason),
        }
    }

    /// Sends queued operations and heartbeats until the node leaves and the queue is empty.
    async fn write_all(
        &self,
        ops: &mut BoundedReceiver<OutboundOp>,
    ) -> Result<(), DisconnectReason> {
        let mut heartbeats = interval(heartbeat_interval(self.membership.lease_duration()));
        heartbeats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                // Heartbeats come before messages: a long queue must not cost the lease.
                biased;
                () = self.endpoint.resubscribe.notified() => {
                    self.subscribe(&self.endpoint.topics()).await?;
                }
                () = self.membership.table.changed.notified() => {
                    self.membership.send_heartbeat().await?;
                }
                _ = heartbeats.tick() => self.membership.send_heartbeat().await?,
                () = self.leave.cancelled() => break,
                _ = ops.recv_many(&mut batch, BATCH) => self.send_batch(batch.drain(..)).await?,
            }
        }
        loop {
            batch.extend(std::iter::from_fn(|| ops.try_recv()).take(BATCH));
            if batch.is_empty() {
                return Ok(());
            }
            self.send_batch(batch.drain(..)).await?;
        }
    }

    /// Sends one batch: subscriptions first, so that they are in force for what is sent
    /// after them.
    async fn send_batch(
        &self,
        ops: impl Iterator<Item = OutboundOp>,
    ) -> Result<(), TransportError> {
        let table = self.membership.table.current();
        let mut frames = Vec::new();
        // The last operation on a topic counts.
        let mut topics = BTreeMap::new();
        for op in ops {
            match op {
                OutboundOp::Unicast {
                    to,
                    generation,
                    frame,
                } => frames.extend(table.inbox_of(&to, generation).map(|inbox| OutboundFrame {
                    to: Destination::Inbox(inbox),
                    frame,
                })),
                OutboundOp::Publish { topic, frame } => frames.push(OutboundFrame {
                    to: Destination::Topic(topic),
                    frame,
                }),
                OutboundOp::Subscribe(topic) => drop(topics.insert(topic, true)),
                OutboundOp::Unsubscribe(topic) => drop(topics.insert(topic, false)),
            }
        }
        let (wanted, unwanted): (BTreeMap<_, _>, BTreeMap<_, _>) =
            topics.into_iter().partition(|(_, is_wanted)| *is_wanted);
        let wanted: Vec<Topic> = wanted.into_keys().collect();
        let unwanted: Vec<Topic> = unwanted.into_keys().collect();
        if !wanted.is_empty() {
            self.subscribe(&wanted).await?;
        }
        if !unwanted.is_empty() {
            with_timeout("unsubscribe", self.transport.unsubscribe(&unwanted)).await?;
        }
        if !frames.is_empty() {
            with_timeout("send frames", self.transport.send(frames)).await?;
        }
        Ok(())
    }

    async fn subscribe(&self, topics: &[Topic]) -> Result<(), TransportError> {
        with_timeout("subscribe", self.transport.subscribe(topics)).await
    }

    async fn read_all(
        &self,
        mut inbound: InboundReceiver,
        deliver: &mpsc::Sender<Inbound>,
    ) -> DisconnectReason {
        // The own heartbeats return several times per lease, so a broker that delivers
        // nothing for a lease hangs, even in a cluster of one.
        let max_silence = self.membership.lease_duration();
        loop {
            let frame = match timeout(max_silence, inbound.next()).await {
                Ok(Ok(frame)) => frame,
                Ok(Err(error)) => return error.into(),
                Err(_) => return DisconnectReason::BrokerTimeout(max_silence),
            };
            match self.membership.handle_frame(frame).await {
                // It fails when the receiver is dropped; the whole task ends then.
                Ok(Some(message)) => drop(deliver.send(message).await),
                Ok(None) => {}
                Err(reason) => return reason,
            }
        }
    }

    async fn leave_in_order(&self) -> ConnectionEnd {
        match timeout(LEAVE_TIMEOUT, self.membership.leave()).await {
            Ok(Ok(())) => tracing::info!("left the backplane"),
            Ok(Err(reason)) => tracing::warn!(
                %reason,
                "cannot leave in order; other members remove this node after its lease"
            ),
            Err(_) => tracing::warn!(
                "cannot leave in order: the broker is slow; \
                 other members remove this node after its lease"
            ),
        }
        ConnectionEnd::Left
    }
}
