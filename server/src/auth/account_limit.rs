//! The limit of wrong secrets for one account, from whatever addresses they come.
//!
//! An account is a device, the user or the session of a token, or the one secret of operators or
//! of logins. The limit slows a guesser who has many addresses. It must not lock the owner out,
//! so it does not hold for an address from which the right secret has come lately.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use tokio::time::Instant;

use crate::net::admission::client_prefix;

/// The time over which wrong secrets are counted.
const WINDOW: Duration = Duration::from_secs(60);
/// The wrong secrets of one account in a window; further secrets are not checked. Ten times
/// those of one address, so that it takes ten addresses to reach it.
const MAX_PER_ACCOUNT: u32 = 100;
/// The windows for which an address is known after its right secret: an hour.
const KNOWN_WINDOWS: u32 = 60;
/// The wrong secrets of each account in the present window, and the addresses of right ones.
///
/// Accounts are counted by a secret hash in tables of fixed size, so memory does not grow with
/// the accounts that clients name. Accounts that share an entry share a limit; a client cannot
/// choose them.
#[derive(Debug)]
pub(super) struct AccountLimit {
    began: Instant,
    hasher: RandomState,
    /// The window and the count of each account.
    wrong: Table,
    /// The fingerprint of an account with an address, and the window of its last right secret.
    known: Table,
}

/// A table of pairs of numbers, each changed as a whole.
#[derive(Debug)]
struct Table(Box<[AtomicU64]>);

impl AccountLimit {
    /// Returns a limit with tables of that many entries, which take 16 bytes each.
    pub(super) fn new(entries: usize) -> Self {
        Self {
            began: Instant::now(),
            hasher: RandomState::new(),
            wrong: Table::new(entries),
            known: Table::new(entries),
        }
    }

    /// Checks whether the client may present a secret for the account.
    ///
    /// # Errors
    /// The time until it may.
    pub(super) fn check(&self, account: &str, client: IpAddr) -> Result<(), Duration> {
        let (window, count) = unpack(self.wrong.entry(self.hash(account)).load(Relaxed));
        let now = self.window();
        if window != now || count < MAX_PER_ACCOUNT || self.is_known(account, client, now) {
            return Ok(());
        }
        // Windows are numbered from 1, so that this one ends after as many of them.
        Err((WINDOW * now).saturating_sub(self.began.elapsed()))
    }

    /// Counts a wrong secret for the account.
    pub(super) fn record_wrong(&self, account: &str) {
        let now = self.window();
        let entry = self.wrong.entry(self.hash(account));
        // Never fails: every value has a next one.
        let _ = entry.fetch_update(Relaxed, Relaxed, |packed| {
            let (window, count) = unpack(packed);
            let count = if window == now { count } else { 0 };
            Some(pack(now, count.saturating_add(1)))
        });
    }

    /// Remembers that the right secret for the account came from the client.
    pub(super) fn record_right(&self, account: &str, client: IpAddr) {
        let hash = self.hash((account, client_prefix(client)));
        let packed = pack(fingerprint(hash), self.window());
        let entry = self.known.entry(hash);
        // Most often it stands there already: reading is cheaper for the other processors.
        if entry.load(Relaxed) != packed {
            entry.store(packed, Relaxed);
        }
    }

    fn is_known(&self, account: &str, client: IpAddr, now: u32) -> bool {
        let hash = self.hash((account, client_prefix(client)));
        let (found, window) = unpack(self.known.entry(hash).load(Relaxed));
        found == fingerprint(hash) && now.saturating_sub(window) <= KNOWN_WINDOWS
    }

    fn hash(&self, key: impl Hash) -> u64 {
        self.hasher.hash_one(key)
    }

    /// Returns the number of the present window; the first is 1, because 0 stands in an unused
    /// entry.
    fn window(&self) -> u32 {
        let windows = self.began.elapsed().as_secs() / WINDOW.as_secs();
        u32::try_from(windows).unwrap_or(u32::MAX).saturating_add(1)
    }
}

impl Table {
    fn new(entries: usize) -> Self {
        Self((0..entries.max(1)).map(|_| AtomicU64::new(0)).collect())
    }

    fn entry(&self, hash: u64) -> &AtomicU64 {
        // The remainder is always within the table.
        &self.0[(hash % self.0.len() as u64) as usize]
    }
}

/// Returns the part of a hash that does not choose the entry. It is never 0, which stands in an
/// unused entry.
fn fingerprint(hash: u64) -> u32 {
    ((hash >> 32) as u32).max(1)
}

fn pack(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

fn unpack(packed: u64) -> (u32, u32) {
    ((packed >> 32) as u32, packed as u32)
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const ENTRIES: usize = 1 << 10;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Records as many wrong secrets as an account may have.
    fn exhaust(limit: &AccountLimit, account: &str) {
        for _ in 0..MAX_PER_ACCOUNT {
            assert_eq!(limit.check(account, address("192.0.2.1")), Ok(()));
            limit.record_wrong(account);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn account_waits_for_the_next_window_after_its_wrong_secrets() {
        let limit = AccountLimit::new(ENTRIES);
        advance(Duration::from_secs(20)).await;
        exhaust(&limit, "anna");
        for client in ["192.0.2.1", "203.0.113.9", "2001:db8::1"] {
            let wait = limit.check("anna", address(client));
            assert_eq!(wait, Err(Duration::from_secs(40)), "{client}");
        }
        assert_eq!(limit.check("bert", address("192.0.2.1")), Ok(()));
        advance(Duration::from_secs(40)).await;
        assert_eq!(limit.check("anna", address("192.0.2.1")), Ok(()));
        limit.record_wrong("anna");
        assert_eq!(limit.check("anna", address("192.0.2.1")), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn owner_is_let_in_from_a_known_address() {
        let limit = AccountLimit::new(ENTRIES);
        let home = address("192.0.2.7");
        limit.record_right("anna", home);
        exhaust(&limit, "anna");
        assert_eq!(limit.check("anna", home), Ok(()));
        assert_eq!(limit.check("anna", address("::ffff:192.0.2.7")), Ok(()));
        assert!(limit.check("anna", address("192.0.2.8")).is_err());
        exhaust(&limit, "bert");
        assert!(limit.check("bert", home).is_err(), "known for anna only");
        advance(WINDOW * (KNOWN_WINDOWS + 1)).await;
        exhaust(&limit, "anna");
        assert!(limit.check("anna", home).is_err(), "known for an hour");
    }

    #[tokio::test(start_paused = true)]
    async fn memory_does_not_grow_with_accounts() {
        let limit = AccountLimit::new(ENTRIES);
        for number in 0..4 * ENTRIES {
            limit.record_wrong(&number.to_string());
        }
        assert_eq!(limit.wrong.0.len(), ENTRIES);
        assert_eq!(limit.check("anna", address("192.0.2.1")), Ok(()));
    }
}
