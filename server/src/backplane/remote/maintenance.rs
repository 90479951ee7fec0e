//! A member's part in maintaining the table: it follows changes, evicts silent members
//! and removes their inboxes.

use std::{convert::Infallible, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::{
    Inbox, Transport, TransportError,
    disconnect_reason::{DisconnectReason, with_timeout},
    membership::Membership,
    membership_table::MembershipTable,
    reaper::Reaper,
    sweep::Sweeper,
};

/// The time in which changes of the table become one view. The first change after a quiet
/// time is loaded at once. It is short, because until then a node sends to the former inbox of a
/// node that has returned.
const VIEW_WINDOW: Duration = Duration::from_millis(50);

impl<C: Transport> Membership<'_, C> {
    /// Maintains the membership until it is lost.
    pub(super) async fn maintain(&self) -> DisconnectReason {
        let Err(reason) = self.try_maintain().await;
        reason
    }

    async fn try_maintain(&self) -> Result<Infallible, DisconnectReason> {
        let mut reaper = Reaper::new(self.inbox.node.clone());
        let mut sweeper = Sweeper::new();
        // Several times per heartbeat interval, so that a dead member is removed within
        // its lease and not up to an interval later.
        let check_interval = self.heartbeat_interval() / 4;
        let mut checks = interval(check_interval);
        // After a pause one check suffices.
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_load = Instant::now();
        let mut evict_after = Instant::now();
        loop {
            tokio::select! {
                () = self.table.outdated.notified() => {}
                _ = checks.tick() => {}
            }
            // Also once per lease without a cause, because the broker may have lost its
            // state while all members have the same version.
            if self.table.is_outdated() || last_load.elapsed() > self.lease_duration {
                // Changes that follow one another become one view.
                sleep(VIEW_WINDOW.saturating_sub(last_load.elapsed())).await;
                last_load = Instant::now();
                let table = self.table.load().await?;
                self.apply_table(table)?;
            }
            if Instant::now() < evict_after {
                continue;
            }
            // Random, so that rarely two survivors evict the same member at once.
            let grace = check_interval.mul_f64(rand::random());
            let cleaned = match self.evict(grace).await {
                Ok(evicted) => self.reap(&mut reaper, &evicted, grace).await,
                Err(reason) => Err(reason),
            };
            match cleaned {
                // A broker that is full still carries frames: the connection is worth
                // more than a table that is up to date.
                Err(DisconnectReason::Transport(error @ TransportError::Unsuitable { .. })) => {
                    tracing::warn!(%error, "cannot change the membership table; retrying in a lease");
                    evict_after = Instant::now() + self.lease_duration;
                }
                cleaned => cleaned?,
            }
            if sweeper.is_due(self)
                && let Err(reason) = self.sweep().await
            {
                // The next sweep finds what this one has left.
                tracing::warn!(%reason, "cannot remove the inboxes of processes that never joined");
            }
        }
    }

    /// Removes silent members. Others may try the same: compare-and-set lets one succeed.
    async fn evict(&self, grace: Duration) -> Result<Vec<Inbox>, DisconnectReason> {
        let table = self.table.current();
        let own_id = &self.inbox.node;
        let suspects = self.failure_detector.lock().suspects(&table, own_id, grace);
        if suspects.is_empty() {
            return Ok(Vec::new());
        }
        let mut evicted = Vec::new();
        let change = |table: &mut MembershipTable, above| {
            evicted = table.remove(&suspects, above);
            Ok(!evicted.is_empty())
        };
        let table = self.table.update(change).await?;
        for inbox in &evicted {
            tracing::warn!(
                node = %inbox.node,
                "a member was silent for too long; removed it from the cluster"
            );
        }
        self.endpoint.traffic.evicted.add(evicted.len());
        self.apply_table(table)?;
        Ok(evicted)
    }

    /// Removes the abandoned inboxes that are due.
    async fn reap(
        &self,
        reaper: &mut Reaper,
        evicted: &[Inbox],
        grace: Duration,
    ) -> Result<(), DisconnectReason> {
        let table = self.table.current();
        let delay = self.lease_duration + grace;
        let due = reaper.due(&table.tombstones, evicted, delay, Instant::now());
        let mut removed = Vec::new();
        for inbox in due {
            let remove = self.transport.remove_inbox(&inbox);
            match with_timeout("remove an inbox", remove).await {
                Ok(()) => removed.push(inbox),
                // Its tombstone stays in the table, so the reaper returns it again.
                Err(error) => {
                    tracing::warn!(%inbox, %error, "cannot remove an inbox; retrying later");
                }
            }
        }
        if removed.is_empty() {
            return Ok(());
        }
        let change = |table: &mut MembershipTable, _| Ok(table.remove_tombstones(&removed));
        let table = self.table.update(change).await?;
        self.endpoint.traffic.inboxes_deleted.add(removed.len());
        self.apply_table(table)
    }
}
