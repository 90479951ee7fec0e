//! The limit of wrong secrets from one client address.

use std::{collections::HashMap, net::IpAddr, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::net::admission::client_prefix;

/// The time over which wrong secrets are counted.
const WINDOW: Duration = Duration::from_secs(60);
/// The wrong secrets of one address in a window; further secrets are not compared.
const MAX_PER_ADDRESS: u32 = 10;
/// The addresses that are counted apart. The addresses beyond them share one count.
const MAX_ADDRESSES: usize = 10_000;

/// The wrong secrets of each address in the present window. A client that guesses is slowed
/// down to some guesses a minute.
#[derive(Debug, Default)]
pub(super) struct FailedAttempts {
    window: Mutex<Option<AttemptWindow>>,
}

#[derive(Debug)]
struct AttemptWindow {
    began: Instant,
    by_address: HashMap<IpAddr, u32>,
    /// The count of the addresses that have none of their own.
    others: u32,
}

impl FailedAttempts {
    /// Checks whether the address may present a secret.
    ///
    /// # Errors
    /// The time until it may.
    pub(super) fn check(&self, address: IpAddr) -> Result<(), Duration> {
        let mut window = self.window.lock();
        let Some(current) = window.as_ref() else {
            return Ok(());
        };
        let left = WINDOW.saturating_sub(current.began.elapsed());
        if left.is_zero() {
            // Gives the memory back, too.
            *window = None;
            return Ok(());
        }
        match current.count(client_prefix(address)) < MAX_PER_ADDRESS {
            true => Ok(()),
            false => Err(left),
        }
    }

    /// Counts a wrong secret of the address.
    pub(super) fn record(&self, address: IpAddr) {
        let mut window = self.window.lock();
        let current = window.get_or_insert_with(|| AttemptWindow {
            began: Instant::now(),
            by_address: HashMap::new(),
            others: 0,
        });
        current.increment(client_prefix(address));
    }
}

impl AttemptWindow {
    fn count(&self, address: IpAddr) -> u32 {
        match self.by_address.get(&address) {
            Some(count) => *count,
            None if self.by_address.len() >= MAX_ADDRESSES => self.others,
            None => 0,
        }
    }

    fn increment(&mut self, address: IpAddr) {
        let is_full = self.by_address.len() >= MAX_ADDRESSES;
        match self.by_address.get_mut(&address) {
            Some(count) => *count += 1,
            None if is_full => self.others += 1,
            None => drop(self.by_address.insert(address, 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn address_waits_for_the_next_window_after_its_wrong_secrets() {
        let attempts = FailedAttempts::default();
        let (guesser, other) = (address("192.0.2.1"), address("192.0.2.2"));
        for _ in 0..MAX_PER_ADDRESS {
            assert_eq!(attempts.check(guesser), Ok(()));
            attempts.record(guesser);
        }
        advance(Duration::from_secs(20)).await;
        assert_eq!(attempts.check(guesser), Err(Duration::from_secs(40)));
        assert_eq!(attempts.check(other), Ok(()));
        let mapped = address("::ffff:192.0.2.1");
        assert!(attempts.check(mapped).is_err(), "another spelling");
        advance(Duration::from_secs(40)).await;
        assert_eq!(attempts.check(guesser), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_of_one_network_count_together() {
        let attempts = FailedAttempts::default();
        for host in 0..MAX_PER_ADDRESS {
            attempts.record(address(&format!("2001:db8::{host:x}")));
        }
        assert!(attempts.check(address("2001:db8::ffff")).is_err());
        assert_eq!(attempts.check(address("2001:db8:0:1::1")), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn memory_of_many_addresses_is_bounded() {
        let attempts = FailedAttempts::default();
        for host in 0..(MAX_ADDRESSES as u32 + MAX_PER_ADDRESS) {
            attempts.record(IpAddr::V4(host.into()));
        }
        let counted = attempts.window.lock().as_ref().unwrap().by_address.len();
        assert_eq!(counted, MAX_ADDRESSES);
        assert!(attempts.check(address("203.0.113.1")).is_err());
        assert_eq!(attempts.check(address("0.0.0.1")), Ok(()));
    }
}
