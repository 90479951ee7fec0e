//! The state of the wait for workers, in words.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

/// Most addresses and reasons of rejections that are shown; further ones are counted.
const MAX_TOLD: usize = 16;

/// The workers that have joined, and the processes that were rejected.
#[derive(Debug)]
pub(super) struct JoinStatus {
    wanted: u32,
    /// The way to start a missing worker.
    how_to_start: String,
    /// Ids of the workers that have joined, with their addresses.
    joined: Vec<(String, SocketAddr)>,
    /// Ids of the workers that are ready to start.
    ready: BTreeSet<String>,
    told: BTreeSet<(IpAddr, String)>,
    rejected: u64,
}

impl JoinStatus {
    /// Creates the status of a run that waits for `wanted` workers.
    pub(super) fn new(wanted: u32, how_to_start: String) -> Self {
        Self {
            wanted,
            how_to_start,
            joined: Vec::new(),
            ready: BTreeSet::new(),
            told: BTreeSet::new(),
            rejected: 0,
        }
    }

    /// Records that worker `id` has joined from `address`.
    pub(super) fn record_joined(&mut self, id: &str, address: SocketAddr) {
        self.joined.push((id.to_owned(), address));
    }

    /// Records that worker `id` is ready.
    pub(super) fn record_ready(&mut self, id: &str) {
        self.ready.insert(id.to_owned());
    }

    /// Records that a process was rejected. Returns the text that tells it, once for each
    /// address and reason.
    pub(super) fn record_rejected(&mut self, address: SocketAddr, reason: &str) -> Option<String> {
        self.rejected += 1;
        let key = (address.ip(), reason.to_owned());
        let is_new = self.told.len() < MAX_TOLD && self.told.insert(key);
        is_new.then(|| format!("a worker from {} was rejected: {reason}", address.ip()))
    }

    /// Returns how many processes were rejected.
    pub(super) fn rejected(&self) -> u64 {
        self.rejected
    }

    /// Describes the workers that are missing after `waited`, with `left` until the start
    /// fails.
    pub(super) fn text(&self, waited: Duration, left: Duration) -> String {
        let slow = self
            .joined
            .iter()
            .filter(|(id, _)| !self.ready.contains(id));
        let slow: Vec<String> = slow
            .map(|(id, address)| format!("{id} at {}", address.ip()))
            .collect();
        let missing = self.wanted as usize - self.joined.len().min(self.wanted as usize);
        let mut text = format!(
            "waiting for workers for {} s: {} of {} are ready",
            waited.as_secs(),
            self.ready.len(),
            self.wanted
        );
        if !slow.is_empty() {
            text += &format!(", {} not yet", slow.join(", "));
        }
        if missing > 0 {
            text += &format!(", {missing} have not joined ({})", self.how_to_start);
        }
        if self.rejected > 0 {
            text += &format!(", {} connections were rejected", self.rejected);
        }
        text + &format!("; the start fails in {} s", left.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_names_who_is_missing_and_how_to_start_it() {
        let mut status = JoinStatus::new(4, "start them".to_owned());
        let address = |host| SocketAddr::from(([192, 0, 2, host], 5_000));
        status.record_joined("w1", address(1));
        status.record_joined("w2", address(2));
        status.record_ready("w1");
        let first = status.record_rejected(address(9), "the token is not this run's");
        assert_eq!(
            first.unwrap(),
            "a worker from 192.0.2.9 was rejected: the token is not this run's"
        );
        let again = status.record_rejected(address(9), "the token is not this run's");
        assert_eq!(again, None);
        expect_test::expect![
            "waiting for workers for 20 s: 1 of 4 are ready, w2 at 192.0.2.2 not yet, 2 have not joined (start them), 2 connections were rejected; the start fails in 100 s"
        ]
        .assert_eq(&status.text(Duration::from_secs(20), Duration::from_secs(100)));
    }
}
