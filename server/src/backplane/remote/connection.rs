//! The connection to the broker, rebuilt for as long as the node lives.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    ClusterAddress, Inbox, Transport, TransportError,
    disconnect_reason::{DisconnectReason, with_timeout},
    inbound::{InboundReceiver, inbound_channel},
    membership::{Membership, heartbeat_interval},
    send_queue::{OutboundOp, SendQueue},
};
use crate::{
    backplane::{Identity, Inbound, endpoint::BackplaneEndpoint},
    id::Topic,
    net::{backoff::Backoff, bounded_queue},
};

/// Jobs taken from the queue at once: one call to the broker.
const BATCH: usize = 256;
/// How long a clean stop may take.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(3);

/// The connection, owned by its task.
pub(super) struct RemoteConnection {
    pub(super) endpoint: Arc<BackplaneEndpoint<SendQueue>>,
    pub(super) address: ClusterAddress,
    pub(super) identity: Identity,
    pub(super) lease: Duration,
    pub(super) deliver: mpsc::Sender<Inbound>,
    pub(super) ops: bounded_queue::BoundedReceiver<OutboundOp>,
    pub(super) leave: CancellationToken,
    /// The last connection's number; see [`Inbox`].
    pub(super) connection_number: u64,
}

/// How a connection that stood has ended.
enum ConnectionEnd {
    /// In order: the node was told to leave.
    Left,
    Disconnected(DisconnectReason),
}

impl RemoteConnection {
    /// Connects and connects again until the node leaves.
    pub(super) async fn keep_connected<C: Transport>(mut self) {
        let mut backoff = Backoff::new();
        while !self.leave.is_cancelled() {
            let began = Instant::now();
            match self.connect_once::<C>().await {
                Ok(ConnectionEnd::Left) => return,
                Ok(ConnectionEnd::Disconnected(lost)) => {
                    tracing::warn!(broker = %self.address.server, %lost, "left the backplane");
                    backoff.record_disconnect(began.elapsed());
                }
                Err(lost) => {
                    tracing::warn!(broker = %self.address.server, %lost, "no backplane");
                }
            }
            self.endpoint.mark_disconnected();
            self.ops.clear();
            let leave = self.leave.clone();
            leave.run_until_cancelled(backoff.wait()).await;
        }
    }

    /// `Err` when the connection never stood.
    async fn connect_once<C: Transport>(&mut self) -> Result<ConnectionEnd, DisconnectReason> {
        self.connection_number += 1;
        let me = Inbox {
            node: self.identity.id.clone(),
            incarnation: self.identity.incarnation,
            connection: self.connection_number,
        };
        let (intake, arrivals) = inbound_channel(&self.endpoint.traffic);
        let connecting = with_timeout("let us connect", C::connect(&self.address, &me, intake));
        let Some(carrier) = self.leave.run_until_cancelled(connecting).await else {
            return Ok(ConnectionEnd::Left);
        };
        let carrier = carrier?;
        let ended = self.join_and_serve(&carrier, &me, arrivals).await;
        // An inbox that is left behind waits for a survivor, or for its broker, to
        // remove it. When the broker does not answer there is nothing else to do.
        let answers = !matches!(
            ended,
            Ok(ConnectionEnd::Disconnected(
                DisconnectReason::Transport(_) | DisconnectReason::BrokerTimeout(_)
            )) | Err(DisconnectReason::Transport(_) | DisconnectReason::BrokerTimeout(_))
        );
        if answers {
            let _ = timeout(LEAVE_TIMEOUT, carrier.close()).await;
        }
        ended
    }

    async fn join_and_serve<C: Transport>(
        &mut self,
        carrier: &C,
        me: &Inbox,
        arrivals: InboundReceiver,
    ) -> Result<ConnectionEnd, DisconnectReason> {
        let endpoint = &*self.endpoint;
        let again = endpoint.last_view().version > 0;
        let (identity, lease) = (&self.identity, self.lease);
        let membership = Membership::join(endpoint, carrier, me, identity, lease).await?;
        let version = endpoint.last_view().version;
        tracing::info!(inbox = %me, version, "joined the backplane");
        if again {
            endpoint.traffic.count_reconnect();
        }
        let serving = Serving {
            endpoint,
            carrier,
            membership: &membership,
            leave: &self.leave,
        };
        Ok(serving.serve(&mut self.ops, arrivals, &self.deliver).await)
    }
}

/// A connection that stands.
struct Serving<'l, C> {
    endpoint: &'l BackplaneEndpoint<SendQueue>,
    carrier: &'l C,
    membership: &'l Membership<'l, C>,
    leave: &'l CancellationToken,
}

impl<C: Transport> Serving<'_, C> {
    async fn serve(
        &self,
        jobs: &mut bounded_queue::BoundedReceiver<OutboundOp>,
        arrivals: InboundReceiver,
        deliver: &mpsc::Sender<Inbound>,
    ) -> ConnectionEnd {
        // What was subscribed to before the view said "connected" is in the set, what
        // comes after goes through the queue; what falls between is in both.
        self.endpoint.resubscribe.notify_one();
        tokio::select! {
            written = self.write_all(jobs) => match written {
                Ok(()) => self.leave_gracefully().await,
                Err(lost) => ConnectionEnd::Disconnected(lost),
            },
            lost = self.read_all(arrivals, deliver) => ConnectionEnd::Disconnected(lost),
            lost = self.membership.run() => ConnectionEnd::Disconnected(lost),
        }
    }

    /// Everything queued for the broker, and a beat now and then. `Ok` when the
    /// node leaves and everything is sent.
    async fn write_all(
        &self,
        jobs: &mut bounded_queue::BoundedReceiver<OutboundOp>,
    ) -> Result<(), DisconnectReason> {
        let mut beats = interval(heartbeat_interval(self.membership.lease()));
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = self.endpoint.resubscribe.notified() => {
                    let topics = self.endpoint.topics();
                    with_timeout("take subscriptions", self.carrier.subscribe(&topics)).await?;
                }
                () = self.membership.table_changed.notified() => self.membership.send_heartbeat().await?,
                _ = beats.tick() => self.membership.send_heartbeat().await?,
                () = self.leave.cancelled() => break,
                _ = jobs.recv_many(&mut batch, BATCH) => self.send_batch(batch.drain(..)).await?,
            }
        }
        loop {
            batch.extend(std::iter::from_fn(|| jobs.try_recv()).take(BATCH));
            if batch.is_empty() {
                return Ok(());
            }
            self.send_batch(batch.drain(..)).await?;
        }
    }

    /// One batch: the topics first, so that a subscription is in force for what is
    /// sent after it.
    async fn send_batch(
        &self,
        jobs: impl Iterator<Item = OutboundOp>,
    ) -> Result<(), TransportError> {
        let mut frames = Vec::new();
        let mut topics = BTreeMap::new();
        for job in jobs {
            match job {
                OutboundOp::Send(frame) => frames.push(frame),
                OutboundOp::Subscribe(topic) => drop(topics.insert(topic, true)),
                OutboundOp::Unsubscribe(topic) => drop(topics.insert(topic, false)),
            }
        }
        let (wanted, unwanted): (BTreeMap<_, _>, BTreeMap<_, _>) =
            topics.into_iter().partition(|(_, wanted)| *wanted);
        if !wanted.is_empty() {
            let topics: Vec<Topic> = wanted.into_keys().collect();
            with_timeout("take subscriptions", self.carrier.subscribe(&topics)).await?;
        }
        if !unwanted.is_empty() {
            let topics: Vec<Topic> = unwanted.into_keys().collect();
            with_timeout("end subscriptions", self.carrier.unsubscribe(&topics)).await?;
        }
        if !frames.is_empty() {
            with_timeout("take frames", self.carrier.send(frames)).await?;
        }
        Ok(())
    }

    async fn read_all(
        &self,
        mut arrivals: InboundReceiver,
        deliver: &mpsc::Sender<Inbound>,
    ) -> DisconnectReason {
        // The own beats come back, so it is never quiet for this long.
        let silence = self.membership.lease();
        loop {
            let arrived = match timeout(silence, arrivals.next()).await {
                Ok(Ok(arrived)) => arrived,
                Ok(Err(error)) => return error.into(),
                Err(_) => return DisconnectReason::BrokerTimeout(silence),
            };
            match self.membership.handle_frame(arrived).await {
                // Without a receiver the whole link ends.
                Ok(Some(inbound)) => drop(deliver.send(inbound).await),
                Ok(None) => {}
                Err(lost) => return lost,
            }
        }
    }

    async fn leave_gracefully(&self) -> ConnectionEnd {
        match timeout(LEAVE_TIMEOUT, self.membership.leave()).await {
            Ok(Ok(())) => tracing::info!("left the backplane"),
            Ok(Err(lost)) => tracing::warn!(%lost, "left the backplane in a hurry"),
            Err(_) => tracing::warn!("left the backplane in a hurry: the broker is slow"),
        }
        ConnectionEnd::Left
    }
}
