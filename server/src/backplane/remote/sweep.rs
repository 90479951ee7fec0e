//! The removal of inboxes that no table knows: their processes ended before they had joined.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{
    Inbox, Transport, TransportError,
    disconnect_reason::{DisconnectReason, with_timeout},
    membership::Membership,
    membership_table::MembershipTable,
};
use crate::backplane::MemberEntry;

/// The time between two sweeps of a cluster. Such inboxes are rare.
const SWEEP_INTERVAL: Duration = Duration::from_secs(600);
/// The time for a sweep, which may send several requests for each inbox.
const SWEEP_TIMEOUT: Duration = Duration::from_secs(120);

/// The schedule of one member's sweeps.
pub(super) struct Sweeper {
    last: Instant,
}

impl Sweeper {
    pub(super) fn new() -> Self {
        Self {
            last: Instant::now(),
        }
    }

    /// Whether a sweep is due. The member with the first id sweeps for all.
    pub(super) fn is_due<C: Transport>(&mut self, membership: &Membership<'_, C>) -> bool {
        let table = membership.table.current();
        let first = table.entries().first().map(|entry| &entry.member.id);
        let is_due = first == Some(&membership.inbox.node) && self.last.elapsed() > SWEEP_INTERVAL;
        if is_due {
            self.last = Instant::now();
        }
        is_due
    }
}

impl<C: Transport> Membership<'_, C> {
    /// Removes the inboxes that the stored table does not know, and returns their number.
    pub(super) async fn sweep(&self) -> Result<usize, DisconnectReason> {
        // Before the table is loaded, so that a process that joins in between is in it.
        let listing = self.transport.list_inboxes();
        let listed = with_timeout("list the inboxes", listing).await?;
        if listed.is_empty() {
            return Ok(0);
        }
        let table = self.table.load().await?;
        let known = known_inboxes(&table);
        self.apply_table(table)?;
        let removing = self.transport.remove_orphans(listed, &known);
        let removed = timeout(SWEEP_TIMEOUT, removing).await.map_err(|_| {
            let cause = format!("cannot remove inboxes within {SWEEP_TIMEOUT:?}");
            TransportError::Broken(cause)
        })??;
        self.endpoint.traffic.inboxes_deleted.add(removed);
        Ok(removed)
    }
}

fn known_inboxes(table: &MembershipTable) -> Vec<Inbox> {
    let members = table.entries().iter().map(MemberEntry::inbox);
    members.chain(table.tombstones.iter().cloned()).collect()
}
