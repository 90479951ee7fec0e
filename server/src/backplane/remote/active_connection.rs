//! A connection that has joined the cluster.

use std::{collections::BTreeMap, time::Duration};

use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Destination, OutboundFrame, Transport, TransportResult,
    disconnect_reason::{DisconnectReason, with_timeout},
    inbound::InboundReceiver,
    membership::Membership,
    outbound::OutboundOp,
};
use crate::{
    backplane::{Inbound, reconnect::JoiningNode},
    id::Topic,
    net::bounded_queue::BoundedReceiver,
};

/// The operations that are taken from the queue for one call to the broker.
const BATCH: usize = 256;
/// The time for each step of leaving in order.
pub(super) const LEAVE_TIMEOUT: Duration = Duration::from_secs(3);
/// The time for the broker to deliver the last frames. It is shorter than the own lease: the node
/// sends no heartbeats meanwhile.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

impl<C: Transport> Membership<'_, C> {
    /// Serves the connection until the node has left in order or the connection is lost.
    pub(super) async fn serve(
        &self,
        ops: &mut BoundedReceiver<OutboundOp>,
        inbound: InboundReceiver,
        node: &JoiningNode,
    ) -> Result<(), DisconnectReason> {
        // A subscription from before the connected view is in the endpoint's set, and one
        // from after it goes through the queue. One in between is in both, which is harmless.
        self.endpoint.resubscribe.notify_one();
        tokio::select! {
            written = self.write_all(ops, &node.leave) => written?,
            reason = self.read_all(inbound, &node.deliver) => return Err(reason),
            reason = self.maintain() => return Err(reason),
        }
        self.flush().await;
        self.leave_in_order().await;
        Ok(())
    }

    /// Waits for the receivers of the last frames, which they drop once the entry has ended.
    async fn flush(&self) {
        match timeout(FLUSH_TIMEOUT, self.transport.flush()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last messages may be lost"),
            Err(_) => tracing::warn!(
                "the last messages may be lost: the broker did not deliver them within \
                 {FLUSH_TIMEOUT:?}"
            ),
        }
    }

    /// Sends queued operations and heartbeats until the node leaves and the queue is empty.
    async fn write_all(
        &self,
        ops: &mut BoundedReceiver<OutboundOp>,
        leave: &CancellationToken,
    ) -> Result<(), DisconnectReason> {
        let mut heartbeats = interval(self.heartbeat_interval());
        // After a pause one heartbeat suffices.
        heartbeats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                // Heartbeats come before messages: a long queue must not cost the lease.
                biased;
                () = self.endpoint.resubscribe.notified() => {
                    self.subscribe(&self.endpoint.topics()).await?;
                }
                // The heartbeat names the new version, so the others load the table at once.
                () = self.table.changed.notified() => self.send_heartbeat().await?,
                _ = heartbeats.tick() => self.send_heartbeat().await?,
                () = leave.cancelled() => break,
                _ = ops.recv_many(&mut batch, BATCH) => self.send_batch(batch.drain(..)).await?,
            }
        }
        // What waits may be the last replies of a drain and the GoAway.
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
    async fn send_batch(&self, ops: impl Iterator<Item = OutboundOp>) -> TransportResult<()> {
        let table = self.table.current();
        let mut frames = Vec::new();
        // The last operation on a topic counts.
        let mut topics = BTreeMap::new();
        for op in ops {
            let (to, frame) = match op {
                OutboundOp::Unicast {
                    to,
                    generation,
                    frame,
                } => match table.inbox_of(&to, generation) {
                    Some(inbox) => (Destination::Inbox(inbox), frame),
                    // A later generation must not get it.
                    None => continue,
                },
                OutboundOp::Publish { topic, frame } => (Destination::Topic(topic), frame),
                OutboundOp::Subscription { topic, is_wanted } => {
                    topics.insert(topic, is_wanted);
                    continue;
                }
            };
            frames.push(OutboundFrame { to, frame });
        }
        let unwanted: Vec<Topic> = topics
            .extract_if(.., |_, is_wanted| !*is_wanted)
            .map(|(topic, _)| topic)
            .collect();
        let wanted: Vec<Topic> = topics.into_keys().collect();
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

    async fn subscribe(&self, topics: &[Topic]) -> TransportResult<()> {
        with_timeout("subscribe", self.transport.subscribe(topics)).await
    }

    async fn read_all(
        &self,
        mut inbound: InboundReceiver,
        deliver: &mpsc::Sender<Inbound>,
    ) -> DisconnectReason {
        // The own heartbeats return several times per lease, so a broker that delivers
        // nothing for a lease hangs, even in a cluster of one.
        let max_silence = self.lease_duration;
        loop {
            let frame = match timeout(max_silence, inbound.next()).await {
                Ok(Ok(frame)) => frame,
                Ok(Err(error)) => return error.into(),
                Err(_) => return DisconnectReason::BrokerTimeout(max_silence),
            };
            match self.handle_frame(frame).await {
                // It fails when the receiver is dropped; the whole task ends then.
                Ok(Some(message)) => drop(deliver.send(message).await),
                Ok(None) => {}
                Err(reason) => return reason,
            }
        }
    }

    async fn leave_in_order(&self) {
        match timeout(LEAVE_TIMEOUT, self.leave()).await {
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
    }
}
