//! A node's part in keeping the roster: it takes its seat, follows what others
//! change, removes who is silent, and clears up after them.

use std::{convert::Infallible, sync::Arc, time::Duration};

use futures_util::FutureExt;
use parking_lot::{Mutex, MutexGuard};
use tokio::{
    sync::Notify,
    time::{Instant, MissedTickBehavior, interval, sleep},
};

use super::{
    Destination, InboundFrame, Inbox, OutboundFrame, Transport, TransportError,
    disconnect_reason::{DisconnectReason, with_timeout},
    failure_detector::FailureDetector,
    frame::{FrameBody, FrameHeader},
    membership_table::MembershipTable,
    reaper::Reaper,
    send_queue::{MembershipSnapshot, SendQueue},
};
use crate::{
    backplane::{
        Backplane, Identity, Inbound, MessageKind,
        endpoint::BackplaneEndpoint,
        envelope::decode_frame,
        initial_version, is_valid_version,
        lease::{Lease, suspicion_timeout},
    },
    id::NodeId,
};

/// How often a change is tried again when others were quicker.
const MAX_CAS_ATTEMPTS: u32 = 100;

/// One connection's membership. Its seat is given up by [`Membership::leave`], or
/// taken by others after its lease.
pub(super) struct Membership<'c, C> {
    endpoint: &'c BackplaneEndpoint<SendQueue>,
    carrier: &'c C,
    me: &'c Inbox,
    lease_duration: Duration,
    lease: Lease,
    started: Instant,
    failure_detector: Mutex<FailureDetector>,
    /// Somebody goes by a newer roster.
    table_outdated: Notify,
    /// This node changed the roster: the others should hear of it at once.
    pub(super) table_changed: Notify,
}

/// How often a node says that it is alive.
pub(super) fn heartbeat_interval(lease: Duration) -> Duration {
    (lease / 5).min(Duration::from_secs(1))
}

impl<'c, C: Transport> Membership<'c, C> {
    /// Takes a seat for `me`, and with it the place of any earlier life or
    /// connection of the node.
    pub(super) async fn join(
        endpoint: &'c BackplaneEndpoint<SendQueue>,
        carrier: &'c C,
        me: &'c Inbox,
        identity: &Identity,
        lease: Duration,
    ) -> Result<Self, DisconnectReason> {
        let now = Instant::now();
        let membership = Self {
            endpoint,
            carrier,
            me,
            lease_duration: lease,
            lease: Lease::new(suspicion_timeout(lease)),
            started: now,
            failure_detector: Mutex::new(FailureDetector::new(now)),
            table_outdated: Notify::new(),
            table_changed: Notify::new(),
        };
        let seated = membership.update_table(|roster, above| {
            roster.join(identity, me, lease, above)?;
            Ok(true)
        });
        let roster = seated.await?;
        membership.apply_table(roster)?;
        Ok(membership)
    }

    /// Keeps the membership until it is lost.
    pub(super) async fn run(&self) -> DisconnectReason {
        match self.watch().await {
            Ok(never) => match never {},
            Err(lost) => lost,
        }
    }

    /// Gives the seat up and removes the inbox.
    pub(super) async fn leave(&self) -> Result<(), DisconnectReason> {
        let me = std::slice::from_ref(self.me);
        let without = self
            .update_table(|roster, above| Ok(!roster.remove(me, above).is_empty()))
            .await?;
        let beat = self.heartbeat_frame(without.version);
        with_timeout("take a beat", self.carrier.send(vec![beat])).await?;
        with_timeout("remove an inbox", self.carrier.remove_inbox(self.me)).await?;
        self.update_table(|roster, _| Ok(roster.remove_tombstones(me)))
            .await?;
        Ok(())
    }

    pub(super) fn lease(&self) -> Duration {
        self.lease_duration
    }

    /// Says that this node is alive, and which roster it goes by.
    pub(super) async fn send_heartbeat(&self) -> Result<(), DisconnectReason> {
        self.lease.check()?;
        let now = Instant::now();
        let beat = self.heartbeat_frame(self.snapshot().table.version);
        self.endpoint
            .traffic
            .count_sent(MessageKind::Control, beat.frame.len());
        with_timeout("take a beat", self.carrier.send(vec![beat])).await?;
        self.lease.renew(now);
        Ok(())
    }

    /// What a frame means to this node: a sign of life, and perhaps something to
    /// handle.
    pub(super) async fn handle_frame(
        &self,
        arrived: InboundFrame,
    ) -> Result<Option<Inbound>, DisconnectReason> {
        self.lease.check()?;
        let (topic, frame) = match arrived {
            InboundFrame::Topic(topic, frame) => (Some(topic), frame),
            InboundFrame::Inbox(frame) | InboundFrame::Everyone(frame) => (None, frame),
        };
        let Some((header, payload)) = decode_frame::<FrameHeader>(&frame) else {
            tracing::warn!(bytes = frame.len(), "a frame that is not understood");
            return Ok(None);
        };
        let FrameHeader {
            from,
            generation: joined,
            body,
        } = header;
        self.wait_for_table(joined).await?;
        if !self.note_sender(&from, joined, &body) {
            return Ok(None);
        }
        let (kind, inbound) = match (body, topic) {
            (FrameBody::Unicast(envelope), None) => {
                let inbound = self.endpoint.handle_unicast(from, envelope, payload);
                (MessageKind::Unicast, inbound)
            }
            // The publisher hears its own as well.
            (FrameBody::Published, Some(topic)) if from != self.me.node => (
                MessageKind::Topic,
                Some(Inbound::Published { topic, payload }),
            ),
            _ => (MessageKind::Control, None),
        };
        self.endpoint.traffic.count_received(kind, frame.len());
        Ok(inbound)
    }

    /// Waits for the view that the sender's seat is in, so that nothing it says is
    /// handled before.
    async fn wait_for_table(&self, joined: u64) -> Result<(), DisconnectReason> {
        if joined <= self.snapshot().table.version || !is_valid_version(joined) {
            return Ok(());
        }
        self.note_table_version(joined);
        let mut views = self.endpoint.view();
        let adopted = views.wait_for(|view| view.version >= joined);
        let adopted = adopted.map(|_| Ok(()));
        Ok(with_timeout("load the membership table", adopted).await?)
    }

    /// Somebody goes by the roster of that version, or a later one.
    fn note_table_version(&self, version: u64) {
        if version > self.snapshot().table.version && is_valid_version(version) {
            let mut hearing = self.failure_detector();
            hearing.newest_version = hearing.newest_version.max(version);
            self.table_outdated.notify_one();
        }
    }

    /// Notes a sign of life; whether the sender holds the seat it speaks from.
    fn note_sender(&self, from: &NodeId, joined: u64, body: &FrameBody) -> bool {
        let standing = self.snapshot();
        let seated = standing.table.entry(from);
        if seated.is_none_or(|seat| seat.generation != joined) {
            return false;
        }
        self.failure_detector()
            .record_heartbeat(from, joined, Instant::now());
        if let FrameBody::Heartbeat { version, sent_us } = body {
            self.note_table_version(*version);
            if *from == self.me.node && joined == standing.generation {
                let sent = self.started + Duration::from_micros(*sent_us);
                self.failure_detector().record_own_echo(sent);
            }
        }
        true
    }

    async fn watch(&self) -> Result<Infallible, DisconnectReason> {
        let mut reaper = Reaper::new(self.me.node.clone());
        // More often than it beats, for others to be gone in time.
        let look = heartbeat_interval(self.lease()) / 4;
        let mut looks = interval(look);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looked = Instant::now();
        let mut tidy_at = Instant::now();
        loop {
            tokio::select! {
                () = self.table_outdated.notified() => {}
                _ = looks.tick() => {}
            }
            // Now and then without cause: the broker may have lost its state.
            if self.is_outdated() || looked.elapsed() > self.lease() {
                looked = Instant::now();
                let roster = self.update_table(|_, _| Ok(false)).await?;
                self.apply_table(roster)?;
            }
            if Instant::now() < tidy_at {
                continue;
            }
            match self
                .evict_and_reap(&mut reaper, look.mul_f64(rand::random()))
                .await
            {
                Ok(()) => {}
                // It carries frames all the same: worth more than a roster that is
                // up to date.
                Err(DisconnectReason::Transport(error @ TransportError::Unsuitable { .. })) => {
                    tracing::warn!(%error, "cannot change the membership table");
                    tidy_at = Instant::now() + self.lease();
                }
                Err(lost) => return Err(lost),
            }
        }
    }

    /// Removes who is silent, and what nobody uses any more.
    async fn evict_and_reap(
        &self,
        reaper: &mut Reaper,
        grace: Duration,
    ) -> Result<(), DisconnectReason> {
        let evicted = self.evict(grace).await?;
        self.reap(reaper, &evicted, grace).await
    }

    /// Removes who is silent. Others may be about to do the same: the broker lets
    /// one of them.
    async fn evict(&self, grace: Duration) -> Result<Vec<Inbox>, DisconnectReason> {
        let standing = self.snapshot();
        let silent = self
            .failure_detector()
            .suspects(&standing.table, &self.me.node, grace);
        if silent.is_empty() {
            return Ok(Vec::new());
        }
        let mut evicted = Vec::new();
        let change = |roster: &mut MembershipTable, above| {
            evicted = roster.remove(&silent, above);
            Ok(!evicted.is_empty())
        };
        let roster = self.update_table(change).await?;
        for inbox in &evicted {
            tracing::warn!(node = %inbox.node, "silent for too long: removed from the cluster");
        }
        self.endpoint.traffic.count_evicted(evicted.len());
        self.apply_table(roster)?;
        Ok(evicted)
    }

    /// Removes inboxes that nobody uses any more.
    async fn reap(
        &self,
        reaper: &mut Reaper,
        evicted: &[Inbox],
        grace: Duration,
    ) -> Result<(), DisconnectReason> {
        let due = {
            let gone = &self.snapshot().table.tombstones;
            reaper.due(gone, evicted, self.lease() + grace, Instant::now())
        };
        if due.is_empty() {
            return Ok(());
        }
        let mut removed = Vec::new();
        for inbox in due {
            match with_timeout("remove an inbox", self.carrier.remove_inbox(&inbox)).await {
                Ok(()) => removed.push(inbox),
                // It stays on the roster, and is tried again.
                Err(error) => tracing::warn!(%inbox, %error, "an inbox is left behind"),
            }
        }
        if removed.is_empty() {
            return Ok(());
        }
        let change = |roster: &mut MembershipTable, _| Ok(roster.remove_tombstones(&removed));
        let roster = self.update_table(change).await?;
        self.endpoint.traffic.count_inboxes_deleted(removed.len());
        self.apply_table(roster)
    }

    /// Changes the roster at the broker by compare-and-set, and answers it. `change`
    /// is tried again when another was quicker; it gets the version to go above, and
    /// says whether it did anything. A broker that lost the roster, or has an older
    /// one than somebody was heard to go by, gets a newer one in any case.
    async fn update_table(
        &self,
        mut change: impl FnMut(&mut MembershipTable, u64) -> Result<bool, DisconnectReason>,
    ) -> Result<MembershipTable, DisconnectReason> {
        for attempt in 0..MAX_CAS_ATTEMPTS {
            let stored =
                with_timeout("load the membership table", self.carrier.load_table()).await?;
            let revision = stored.as_ref().map(|stored| stored.revision);
            let newest = self
                .snapshot()
                .table
                .version
                .max(self.failure_detector().newest_version);
            let (mut roster, above) = match &stored {
                Some(stored) => (MembershipTable::parse(&stored.table)?, newest),
                // The last known members are most likely still there.
                None => (self.snapshot().table.clone(), newest.max(initial_version())),
            };
            let changed = change(&mut roster, above)?;
            let lost = stored.is_none() || roster.version < newest;
            if lost && roster.version <= newest {
                roster.bump_version(above);
            }
            if !(changed || lost) {
                return Ok(roster);
            }
            let store = self.carrier.store_table(revision, roster.to_bytes());
            if with_timeout("store the membership table", store).await? {
                self.table_changed.notify_one();
                return Ok(roster);
            }
            sleep(Duration::from_millis(u64::from(attempt.min(20))).mul_f64(rand::random())).await;
        }
        Err(DisconnectReason::Contended(MAX_CAS_ATTEMPTS))
    }

    /// Goes over to a roster, if this node has its seat on it.
    fn apply_table(&self, roster: MembershipTable) -> Result<(), DisconnectReason> {
        let before = self.snapshot();
        let Some(seat) = roster.entry_of(self.me) else {
            return Err(DisconnectReason::Removed);
        };
        self.failure_detector()
            .update_members(&roster, Instant::now());
        let (joined, version, view) = (seat.generation, roster.version, roster.view());
        self.endpoint.outbound.set_membership(MembershipSnapshot {
            table: roster,
            generation: joined,
        });
        if version > before.table.version {
            self.endpoint.apply_view(view);
        }
        Ok(())
    }

    fn heartbeat_frame(&self, version: u64) -> OutboundFrame {
        let sent_us = self.started.elapsed().as_micros() as u64;
        let body = FrameBody::Heartbeat { version, sent_us };
        let joined = self.snapshot().generation;
        OutboundFrame {
            to: Destination::Everyone,
            frame: self.endpoint.outbound.encode(joined, body, &[]),
        }
    }

    fn is_outdated(&self) -> bool {
        self.failure_detector().newest_version > self.snapshot().table.version
    }

    fn snapshot(&self) -> Arc<MembershipSnapshot> {
        self.endpoint.outbound.membership()
    }

    fn failure_detector(&self) -> MutexGuard<'_, FailureDetector> {
        self.failure_detector.lock()
    }
}
