//! Delays of addresses that sent wrong tokens.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

/// Delay after the first wrong token; each further one doubles it.
const FIRST_DELAY: Duration = Duration::from_millis(100);
/// Longest delay.
const MAX_DELAY: Duration = Duration::from_secs(5);
/// Most addresses that are remembered.
const MAX_ADDRESSES: usize = 1_024;

/// The wrong tokens of each address since its last right one.
#[derive(Debug, Default)]
pub(super) struct TokenBackoff {
    wrong: BTreeMap<IpAddr, u32>,
}

impl TokenBackoff {
    /// Returns the delay before a token of `address` is compared; zero if it sent no wrong
    /// one.
    pub(super) fn delay(&self, address: IpAddr) -> Duration {
        match self.wrong.get(&network(address)) {
            None => Duration::ZERO,
            Some(wrong) => FIRST_DELAY
                .saturating_mul(1 << (wrong - 1).min(16))
                .min(MAX_DELAY),
        }
    }

    /// Counts a wrong token of `address`.
    pub(super) fn record_wrong(&mut self, address: IpAddr) {
        let network = network(address);
        if self.wrong.len() >= MAX_ADDRESSES && !self.wrong.contains_key(&network) {
            // Any other: nothing tells which of so many is the attacker.
            self.wrong.pop_first();
        }
        let wrong = self.wrong.entry(network).or_default();
        *wrong = wrong.saturating_add(1);
    }

    /// Forgets the wrong tokens of `address`, because it sent the right one.
    pub(super) fn record_right(&mut self, address: IpAddr) {
        self.wrong.remove(&network(address));
    }
}

/// Returns the address that stands for all of one host: a host with IPv6 has a whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delay_doubles_up_to_the_longest_and_ends_with_the_right_token() {
        let mut backoff = TokenBackoff::default();
        let address: IpAddr = [192, 0, 2, 1].into();
        assert_eq!(backoff.delay(address), Duration::ZERO);
        let delays = (0..8).map(|_| {
            backoff.record_wrong(address);
            backoff.delay(address).as_millis()
        });
        let delays: Vec<_> = delays.collect();
        assert_eq!(delays, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        assert_eq!(backoff.delay([192, 0, 2, 2].into()), Duration::ZERO);
        backoff.record_right(address);
        assert_eq!(backoff.delay(address), Duration::ZERO);
    }

    #[test]
    fn addresses_of_one_ipv6_network_share_a_delay_and_their_number_is_bounded() {
        let mut backoff = TokenBackoff::default();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        backoff.record_wrong(address("2001:db8::1"));
        assert!(!backoff.delay(address("2001:db8::ffff:2")).is_zero());
        assert!(backoff.delay(address("2001:db8:0:1::1")).is_zero());
        for host in 0..3_000_u32 {
            backoff.record_wrong(IpAddr::V4((0x0a00_0000 + host).into()));
        }
        assert_eq!(backoff.wrong.len(), MAX_ADDRESSES);
    }
}
