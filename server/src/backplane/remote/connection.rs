//! The connection to the broker, rebuilt for as long as the node lives.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Address, Carrier, CarrierError, Inbox,
    disconnect_reason::{Lost, within},
    inbound::{Arrivals, arrivals},
    membership::{Membership, beat_every},
    send_queue::{Job, ToBroker},
};
use crate::{
    backoff::Backoff,
    backplane::{Identity, Inbound, endpoint::Endpoint},
    bounded_queue,
    id::Topic,
};

/// Jobs taken from the queue at once: one call to the broker.
const BATCH: usize = 256;
/// How long a clean stop may take.
const FAREWELL: Duration = Duration::from_secs(3);

/// The connection, owned by its task.
pub(super) struct Link {
    pub(super) endpoint: Arc<Endpoint<ToBroker>>,
    pub(super) address: Address,
    pub(super) identity: Identity,
    pub(super) lease: Duration,
    pub(super) deliver: mpsc::Sender<Inbound>,
    pub(super) jobs: bounded_queue::Receiver<Job>,
    pub(super) leave: CancellationToken,
    /// The last connection's number; see [`Inbox`].
    pub(super) connection: u64,
}

/// How a connection that stood has ended.
enum Ended {
    /// In order: the node was told to leave.
    Left,
    Lost(Lost),
}

impl Link {
    /// Connects and connects again until the node leaves.
    pub(super) async fn keep_connected<C: Carrier>(mut self) {
        let mut backoff = Backoff::new();
        while !self.leave.is_cancelled() {
            let began = Instant::now();
            match self.connect_once::<C>().await {
                Ok(Ended::Left) => return,
                Ok(Ended::Lost(lost)) => {
                    tracing::warn!(broker = %self.address.server, %lost, "left the backplane");
                    backoff.ended(began.elapsed());
                }
                Err(lost) => {
                    tracing::warn!(broker = %self.address.server, %lost, "no backplane");
                }
            }
            self.endpoint.disconnected();
            self.jobs.clear();
            let leave = self.leave.clone();
            leave.run_until_cancelled(backoff.wait()).await;
        }
    }

    /// `Err` when the connection never stood.
    async fn connect_once<C: Carrier>(&mut self) -> Result<Ended, Lost> {
        self.connection += 1;
        let me = Inbox {
            node: self.identity.id.clone(),
            boot: self.identity.boot,
            connection: self.connection,
        };
        let (intake, arrivals) = arrivals(&self.endpoint.traffic);
        let connecting = within("let us connect", C::connect(&self.address, &me, intake));
        let Some(carrier) = self.leave.run_until_cancelled(connecting).await else {
            return Ok(Ended::Left);
        };
        let carrier = carrier?;
        let ended = self.use_connection(&carrier, &me, arrivals).await;
        // An inbox that is left behind waits for a survivor, or for its broker, to
        // remove it. When the broker does not answer there is nothing else to do.
        let answers = !matches!(
            ended,
            Ok(Ended::Lost(Lost::Carrier(_) | Lost::Silent(_)))
                | Err(Lost::Carrier(_) | Lost::Silent(_))
        );
        if answers {
            let _ = timeout(FAREWELL, carrier.close()).await;
        }
        ended
    }

    async fn use_connection<C: Carrier>(
        &mut self,
        carrier: &C,
        me: &Inbox,
        arrivals: Arrivals,
    ) -> Result<Ended, Lost> {
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
        Ok(serving.serve(&mut self.jobs, arrivals, &self.deliver).await)
    }
}

/// A connection that stands.
struct Serving<'l, C> {
    endpoint: &'l Endpoint<ToBroker>,
    carrier: &'l C,
    membership: &'l Membership<'l, C>,
    leave: &'l CancellationToken,
}

impl<C: Carrier> Serving<'_, C> {
    async fn serve(
        &self,
        jobs: &mut bounded_queue::Receiver<Job>,
        arrivals: Arrivals,
        deliver: &mpsc::Sender<Inbound>,
    ) -> Ended {
        // What was subscribed to before the view said "connected" is in the set, what
        // comes after goes through the queue; what falls between is in both.
        self.endpoint.missed.notify_one();
        tokio::select! {
            written = self.write_all(jobs) => match written {
                Ok(()) => self.say_farewell().await,
                Err(lost) => Ended::Lost(lost),
            },
            lost = self.read_all(arrivals, deliver) => Ended::Lost(lost),
            lost = self.membership.keep() => Ended::Lost(lost),
        }
    }

    /// Everything queued for the broker, and a beat now and then. `Ok` when the
    /// node leaves and everything is sent.
    async fn write_all(&self, jobs: &mut bounded_queue::Receiver<Job>) -> Result<(), Lost> {
        let mut beats = interval(beat_every(self.membership.lease()));
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = self.endpoint.missed.notified() => {
                    let topics = self.endpoint.topics();
                    within("take subscriptions", self.carrier.subscribe(&topics)).await?;
                }
                () = self.membership.news.notified() => self.membership.beat().await?,
                _ = beats.tick() => self.membership.beat().await?,
                () = self.leave.cancelled() => break,
                _ = jobs.recv_many(&mut batch, BATCH) => self.put(batch.drain(..)).await?,
            }
        }
        loop {
            batch.extend(std::iter::from_fn(|| jobs.try_recv()).take(BATCH));
            if batch.is_empty() {
                return Ok(());
            }
            self.put(batch.drain(..)).await?;
        }
    }

    /// One batch: the topics first, so that a subscription is in force for what is
    /// sent after it.
    async fn put(&self, jobs: impl Iterator<Item = Job>) -> Result<(), CarrierError> {
        let mut frames = Vec::new();
        let mut topics = BTreeMap::new();
        for job in jobs {
            match job {
                Job::Send(frame) => frames.push(frame),
                Job::Subscribe(topic) => drop(topics.insert(topic, true)),
                Job::Unsubscribe(topic) => drop(topics.insert(topic, false)),
            }
        }
        let (wanted, unwanted): (BTreeMap<_, _>, BTreeMap<_, _>) =
            topics.into_iter().partition(|(_, wanted)| *wanted);
        if !wanted.is_empty() {
            let topics: Vec<Topic> = wanted.into_keys().collect();
            within("take subscriptions", self.carrier.subscribe(&topics)).await?;
        }
        if !unwanted.is_empty() {
            let topics: Vec<Topic> = unwanted.into_keys().collect();
            within("end subscriptions", self.carrier.unsubscribe(&topics)).await?;
        }
        if !frames.is_empty() {
            within("take frames", self.carrier.send(frames)).await?;
        }
        Ok(())
    }

    async fn read_all(&self, mut arrivals: Arrivals, deliver: &mpsc::Sender<Inbound>) -> Lost {
        // The own beats come back, so it is never quiet for this long.
        let silence = self.membership.lease();
        loop {
            let arrived = match timeout(silence, arrivals.next()).await {
                Ok(Ok(arrived)) => arrived,
                Ok(Err(error)) => return error.into(),
                Err(_) => return Lost::Silent(silence),
            };
            match self.membership.receive(arrived).await {
                // Without a receiver the whole link ends.
                Ok(Some(inbound)) => drop(deliver.send(inbound).await),
                Ok(None) => {}
                Err(lost) => return lost,
            }
        }
    }

    async fn say_farewell(&self) -> Ended {
        match timeout(FAREWELL, self.membership.leave()).await {
            Ok(Ok(())) => tracing::info!("left the backplane"),
            Ok(Err(lost)) => tracing::warn!(%lost, "left the backplane in a hurry"),
            Err(_) => tracing::warn!("left the backplane in a hurry: the broker is slow"),
        }
        Ended::Left
    }
}
