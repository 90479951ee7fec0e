//! The membership table as one connection knows and changes it.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::sleep};

use super::{
    Transport,
    disconnect_reason::{DisconnectReason, with_timeout},
    membership_table::{InvalidMembership, MembershipTable},
    table_signer::TableSigner,
};
use crate::{
    backplane::{TrafficCounters, initial_version},
    clock::is_plausible_raise,
};

/// The attempts to change the table when other members change it first. Even when the
/// nodes of a large cluster start together, one of them succeeds in each round.
const MAX_CAS_ATTEMPTS: u32 = 100;
/// The upper limit of the random pause after a failed attempt, in milliseconds. It
/// grows by one with each attempt up to here.
const MAX_CAS_PAUSE_MS: u32 = 20;

/// The current table of one connection, and the way to load and store it.
pub(super) struct TableClient<'c, C> {
    transport: &'c C,
    signer: &'c TableSigner,
    traffic: &'c TrafficCounters,
    state: Mutex<TableState>,
    /// Notified when another member has a newer table.
    pub(super) outdated: Notify,
    /// Notified when this node has changed the table: the others should learn it at once.
    pub(super) changed: Notify,
}

struct TableState {
    current: Arc<MembershipTable>,
    /// The greatest version that any frame has named.
    newest_version: u64,
}

impl<'c, C: Transport> TableClient<'c, C> {
    /// Creates a client that starts from the last table of the previous connection.
    pub(super) fn new(
        transport: &'c C,
        signer: &'c TableSigner,
        traffic: &'c TrafficCounters,
        last_known: Arc<MembershipTable>,
    ) -> Self {
        Self {
            transport,
            signer,
            traffic,
            state: Mutex::new(TableState {
                newest_version: last_known.version(),
                current: last_known,
            }),
            outdated: Notify::new(),
            changed: Notify::new(),
        }
    }

    pub(super) fn current(&self) -> Arc<MembershipTable> {
        Arc::clone(&self.state.lock().current)
    }

    pub(super) fn set_current(&self, table: MembershipTable) {
        self.state.lock().current = Arc::new(table);
    }

    /// Notes that another member has the table of this version.
    pub(super) fn note_version(&self, version: u64) {
        let mut state = self.state.lock();
        if version > state.current.version() && is_plausible_raise(version) {
            state.newest_version = state.newest_version.max(version);
            self.outdated.notify_one();
        }
    }

    /// Whether another member has a newer table than this connection.
    pub(super) fn is_outdated(&self) -> bool {
        let state = self.state.lock();
        state.newest_version > state.current.version()
    }

    /// Loads the table, without changing it.
    pub(super) async fn load(&self) -> Result<MembershipTable, DisconnectReason> {
        self.update(|_, _| Ok(false)).await
    }

    /// Changes the table at the broker by compare-and-set and returns it.
    ///
    /// `change` gets the table and the version above which it must go; it returns whether
    /// it changed anything. It is called again when another member stores a table first.
    ///
    /// If the broker has lost the table, or has an older or an invalid one, a newer version is
    /// stored in any case: versions never go back.
    pub(super) async fn update(
        &self,
        mut change: impl FnMut(&mut MembershipTable, u64) -> Result<bool, DisconnectReason>,
    ) -> Result<MembershipTable, DisconnectReason> {
        for attempt in 0..MAX_CAS_ATTEMPTS {
            let load = self.transport.load_table();
            let stored = with_timeout("load the membership table", load).await?;
            let newest = self.newest_version();
            let loaded = match &stored {
                Some(stored) => self.decode(&stored.table)?,
                None => None,
            };
            let is_missing = loaded.is_none();
            let (mut table, above) = match loaded {
                Some(table) => (table, newest),
                // The last known members are most likely still there. Those that are not
                // lose their entries after their leases.
                None => ((*self.current()).clone(), newest.max(initial_version())),
            };
            let changed = change(&mut table, above)?;
            let lost = is_missing || table.version() < newest;
            if lost && table.version() <= newest {
                // Members apply only a table that is newer than the last one that they know.
                table.bump_version(above);
            }
            if !(changed || lost) {
                return Ok(table);
            }
            let revision = stored.map(|stored| stored.revision);
            let store = self
                .transport
                .store_table(revision, self.signer.encode(&table));
            if with_timeout("store the membership table", store).await? {
                self.changed.notify_one();
                return Ok(table);
            }
            // Random, so that members that failed together do not try again together.
            let max_pause = Duration::from_millis(u64::from(attempt.min(MAX_CAS_PAUSE_MS)));
            sleep(max_pause.mul_f64(rand::random())).await;
        }
        Err(DisconnectReason::Contended(MAX_CAS_ATTEMPTS))
    }

    /// Decodes a stored table. Returns `None` for one that no member can have stored, if this
    /// node knows a valid one: the stored one then counts as lost.
    fn decode(&self, stored: &[u8]) -> Result<Option<MembershipTable>, InvalidMembership> {
        match self.signer.decode(stored) {
            Ok(table) => Ok(Some(table)),
            Err(error @ (InvalidMembership::Unsigned | InvalidMembership::Malformed(_))) => {
                self.traffic.tables_rejected.add(1);
                // A node that knows none may itself be the one with a wrong secret.
                if self.current().version() == 0 {
                    return Err(error);
                }
                tracing::warn!(%error, "ignored the stored table; storing the last known one");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn newest_version(&self) -> u64 {
        let state = self.state.lock();
        state.newest_version.max(state.current.version())
    }
}
