//! A node's part in keeping the roster: it takes its seat, follows what others
//! change, removes who is silent, and clears up after them.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{
    sync::Notify,
    time::{Instant, MissedTickBehavior, interval, sleep},
};

use super::{
    Arrived, Carrier, CarrierError, Destination, Inbox, Outgoing,
    disconnect_reason::{Lost, within},
    failure_detector::Hearing,
    frame::{Body, Header},
    membership_table::Roster,
    reaper::Reaper,
    send_queue::{Standing, ToBroker},
};
use crate::{
    backplane::{
        Backplane, Identity, Inbound, Kind,
        endpoint::Endpoint,
        envelope::open,
        first_version, is_version,
        lease::{Lease, may_be_silent},
    },
    id::NodeId,
};

/// How often a change is tried again when others were quicker.
const ATTEMPTS: u32 = 100;

/// One connection's membership. Its seat is given up by [`Membership::leave`], or
/// taken by others after its lease.
pub(super) struct Membership<'c, C> {
    endpoint: &'c Endpoint<ToBroker>,
    carrier: &'c C,
    me: &'c Inbox,
    length: Duration,
    lease: Lease,
    started: Instant,
    hearing: Mutex<Hearing>,
    /// Somebody goes by a newer roster.
    behind: Notify,
    /// This node changed the roster: the others should hear of it at once.
    pub(super) news: Notify,
}

/// How often a node says that it is alive.
pub(super) fn beat_every(lease: Duration) -> Duration {
    (lease / 5).min(Duration::from_secs(1))
}

impl<'c, C: Carrier> Membership<'c, C> {
    /// Takes a seat for `me`, and with it the place of any earlier life or
    /// connection of the node.
    pub(super) async fn join(
        endpoint: &'c Endpoint<ToBroker>,
        carrier: &'c C,
        me: &'c Inbox,
        identity: &Identity,
        lease: Duration,
    ) -> Result<Self, Lost> {
        let now = Instant::now();
        let membership = Self {
            endpoint,
            carrier,
            me,
            length: lease,
            lease: Lease::new(may_be_silent(lease)),
            started: now,
            hearing: Mutex::new(Hearing::new(now)),
            behind: Notify::new(),
            news: Notify::new(),
        };
        let seated = membership.update(|roster, above| {
            roster.join(identity, me, lease, above)?;
            Ok(true)
        });
        let roster = seated.await?;
        membership.adopt(roster)?;
        Ok(membership)
    }

    /// Keeps the membership until it is lost.
    pub(super) async fn keep(&self) -> Lost {
        match self.watch().await {
            Ok(never) => match never {},
            Err(lost) => lost,
        }
    }

    /// Gives the seat up and removes the inbox.
    pub(super) async fn leave(&self) -> Result<(), Lost> {
        let me = std::slice::from_ref(self.me);
        let without = self
            .update(|roster, above| Ok(!roster.remove(me, above).is_empty()))
            .await?;
        let beat = self.beat_by(without.version);
        within("take a beat", self.carrier.send(vec![beat])).await?;
        within("remove an inbox", self.carrier.remove_inbox(self.me)).await?;
        self.update(|roster, _| Ok(roster.forget(me))).await?;
        Ok(())
    }

    pub(super) fn lease(&self) -> Duration {
        self.length
    }

    /// Says that this node is alive, and which roster it goes by.
    pub(super) async fn beat(&self) -> Result<(), Lost> {
        self.lease.check()?;
        let now = Instant::now();
        let beat = self.beat_by(self.standing().roster.version);
        self.endpoint
            .traffic
            .count_sent(Kind::Control, beat.frame.len());
        within("take a beat", self.carrier.send(vec![beat])).await?;
        self.lease.renew(now);
        Ok(())
    }

    /// What a frame means to this node: a sign of life, and perhaps something to
    /// handle.
    pub(super) async fn receive(&self, arrived: Arrived) -> Result<Option<Inbound>, Lost> {
        self.lease.check()?;
        let (topic, frame) = match arrived {
            Arrived::Topic(topic, frame) => (Some(topic), frame),
            Arrived::Inbox(frame) | Arrived::Everyone(frame) => (None, frame),
        };
        let Some((header, payload)) = open::<Header>(&frame) else {
            tracing::warn!(bytes = frame.len(), "a frame that is not understood");
            return Ok(None);
        };
        let Header { from, joined, body } = header;
        self.catch_up(joined).await?;
        if !self.hear(&from, joined, &body) {
            return Ok(None);
        }
        let (kind, inbound) = match (body, topic) {
            (Body::Unicast(envelope), None) => {
                let inbound = self.endpoint.arrived(from, envelope, payload);
                (Kind::Unicast, inbound)
            }
            // The publisher hears its own as well.
            (Body::Published, Some(topic)) if from != self.me.node => {
                (Kind::Topic, Some(Inbound::Published { topic, payload }))
            }
            _ => (Kind::Control, None),
        };
        self.endpoint.traffic.count_received(kind, frame.len());
        Ok(inbound)
    }

    /// Waits for the view that the sender's seat is in, so that nothing it says is
    /// handled before.
    async fn catch_up(&self, joined: u64) -> Result<(), Lost> {
        if joined <= self.standing().roster.version || !is_version(joined) {
            return Ok(());
        }
        self.heard_of(joined);
        let mut views = self.endpoint.view();
        let adopted = views.wait_for(|view| view.version >= joined);
        let adopted = adopted.map(|_| Ok(()));
        Ok(within("give the roster", adopted).await?)
    }

    /// Somebody goes by the roster of that version, or a later one.
    fn heard_of(&self, version: u64) {
        if version > self.standing().roster.version && is_version(version) {
            let mut hearing = self.hearing();
            hearing.newest = hearing.newest.max(version);
            self.behind.notify_one();
        }
    }

    /// Notes a sign of life; whether the sender holds the seat it speaks from.
    fn hear(&self, from: &NodeId, joined: u64, body: &Body) -> bool {
        let standing = self.standing();
        let seated = standing.roster.seat(from);
        if seated.is_none_or(|seat| seat.joined != joined) {
            return false;
        }
        self.hearing().heard(from, joined, Instant::now());
        if let Body::Beat { version, sent_us } = body {
            self.heard_of(*version);
            if *from == self.me.node && joined == standing.joined {
                let sent = self.started + Duration::from_micros(*sent_us);
                self.hearing().echoed(sent);
            }
        }
        true
    }

    async fn watch(&self) -> Result<Infallible, Lost> {
        let mut reaper = Reaper::new(self.me.node.clone());
        // More often than it beats, for others to be gone in time.
        let look = beat_every(self.lease()) / 4;
        let mut looks = interval(look);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looked = Instant::now();
        let mut tidy_at = Instant::now();
        loop {
            tokio::select! {
                () = self.behind.notified() => {}
                _ = looks.tick() => {}
            }
            // Now and then without cause: the broker may have lost its state.
            if self.is_behind() || looked.elapsed() > self.lease() {
                looked = Instant::now();
                let roster = self.update(|_, _| Ok(false)).await?;
                self.adopt(roster)?;
            }
            if Instant::now() < tidy_at {
                continue;
            }
            match self.tidy(&mut reaper, look.mul_f64(rand::random())).await {
                Ok(()) => {}
                // It carries frames all the same: worth more than a roster that is
                // up to date.
                Err(Lost::Carrier(error @ CarrierError::Unsuitable { .. })) => {
                    tracing::warn!(%error, "the roster cannot be changed");
                    tidy_at = Instant::now() + self.lease();
                }
                Err(lost) => return Err(lost),
            }
        }
    }

    /// Removes who is silent, and what nobody uses any more.
    async fn tidy(&self, reaper: &mut Reaper, grace: Duration) -> Result<(), Lost> {
        let evicted = self.evict(grace).await?;
        self.reap(reaper, &evicted, grace).await
    }

    /// Removes who is silent. Others may be about to do the same: the broker lets
    /// one of them.
    async fn evict(&self, grace: Duration) -> Result<Vec<Inbox>, Lost> {
        let standing = self.standing();
        let silent = self
            .hearing()
            .silent(&standing.roster, &self.me.node, grace);
        if silent.is_empty() {
            return Ok(Vec::new());
        }
        let mut evicted = Vec::new();
        let change = |roster: &mut Roster, above| {
            evicted = roster.remove(&silent, above);
            Ok(!evicted.is_empty())
        };
        let roster = self.update(change).await?;
        for inbox in &evicted {
            tracing::warn!(node = %inbox.node, "silent for too long: removed from the cluster");
        }
        self.endpoint.traffic.count_evicted(evicted.len());
        self.adopt(roster)?;
        Ok(evicted)
    }

    /// Removes inboxes that nobody uses any more.
    async fn reap(
        &self,
        reaper: &mut Reaper,
        evicted: &[Inbox],
        grace: Duration,
    ) -> Result<(), Lost> {
        let due = {
            let gone = &self.standing().roster.gone;
            reaper.due(gone, evicted, self.lease() + grace, Instant::now())
        };
        if due.is_empty() {
            return Ok(());
        }
        let mut removed = Vec::new();
        for inbox in due {
            match within("remove an inbox", self.carrier.remove_inbox(&inbox)).await {
                Ok(()) => removed.push(inbox),
                // It stays on the roster, and is tried again.
                Err(error) => tracing::warn!(%inbox, %error, "an inbox is left behind"),
            }
        }
        if removed.is_empty() {
            return Ok(());
        }
        let change = |roster: &mut Roster, _| Ok(roster.forget(&removed));
        let roster = self.update(change).await?;
        self.endpoint.traffic.count_reaped(removed.len());
        self.adopt(roster)
    }

    /// Changes the roster at the broker by compare-and-set, and answers it. `change`
    /// is tried again when another was quicker; it gets the version to go above, and
    /// says whether it did anything. A broker that lost the roster, or has an older
    /// one than somebody was heard to go by, gets a newer one in any case.
    async fn update(
        &self,
        mut change: impl FnMut(&mut Roster, u64) -> Result<bool, Lost>,
    ) -> Result<Roster, Lost> {
        for attempt in 0..ATTEMPTS {
            let stored = within("give the roster", self.carrier.load()).await?;
            let revision = stored.as_ref().map(|stored| stored.revision);
            let newest = self.standing().roster.version.max(self.hearing().newest);
            let (mut roster, above) = match &stored {
                Some(stored) => (Roster::parse(&stored.roster)?, newest),
                // The last known members are most likely still there.
                None => (self.standing().roster.clone(), newest.max(first_version())),
            };
            let changed = change(&mut roster, above)?;
            let lost = stored.is_none() || roster.version < newest;
            if lost && roster.version <= newest {
                roster.grow(above);
            }
            if !(changed || lost) {
                return Ok(roster);
            }
            let store = self.carrier.store(revision, roster.to_bytes());
            if within("keep the roster", store).await? {
                self.news.notify_one();
                return Ok(roster);
            }
            sleep(Duration::from_millis(u64::from(attempt.min(20))).mul_f64(rand::random())).await;
        }
        Err(Lost::Contended(ATTEMPTS))
    }

    /// Goes over to a roster, if this node has its seat on it.
    fn adopt(&self, roster: Roster) -> Result<(), Lost> {
        let before = self.standing();
        let Some(seat) = roster.seat_of(self.me) else {
            return Err(Lost::Removed);
        };
        self.hearing().follow(&roster, Instant::now());
        let (joined, version, view) = (seat.joined, roster.version, roster.view());
        self.endpoint.road.stand(Standing { roster, joined });
        if version > before.roster.version {
            self.endpoint.adopt(view);
        }
        Ok(())
    }

    fn beat_by(&self, version: u64) -> Outgoing {
        let sent_us = self.started.elapsed().as_micros() as u64;
        let body = Body::Beat { version, sent_us };
        let joined = self.standing().joined;
        Outgoing {
            to: Destination::Everyone,
            frame: self.endpoint.road.seal(joined, body, &[]),
        }
    }

    fn is_behind(&self) -> bool {
        self.hearing().newest > self.standing().roster.version
    }

    fn standing(&self) -> Arc<Standing> {
        self.endpoint.road.standing()
    }

    fn hearing(&self) -> MutexGuard<'_, Hearing> {
        self.hearing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
