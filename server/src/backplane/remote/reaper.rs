//! The reaper: it decides when this node removes abandoned inboxes at the broker.
//!
//! The node that evicted a member removes its inbox at once, and so does a node with the
//! inbox of its own earlier connection. If they die before that, any other member
//! removes the inbox one lease later.

use std::time::Duration;

use tokio::time::Instant;

use super::Inbox;
use crate::id::NodeId;

/// The abandoned inboxes that this node knows of.
pub(super) struct Reaper {
    own_id: NodeId,
    abandoned: Vec<AbandonedInbox>,
}

struct AbandonedInbox {
    inbox: Inbox,
    /// The instant when this node first saw the tombstone.
    known_since: Instant,
    /// The instant when this node last tried to remove the inbox.
    last_attempt: Option<Instant>,
}

impl Reaper {
    pub(super) fn new(own_id: NodeId) -> Self {
        Self {
            own_id,
            abandoned: Vec::new(),
        }
    }

    /// Returns the tombstones that this node must remove now.
    ///
    /// `evicted` are the inboxes of members that this node has just evicted. The others
    /// are due after `delay`, and a failed attempt is due again after `delay`.
    pub(super) fn due(
        &mut self,
        tombstones: &[Inbox],
        evicted: &[Inbox],
        delay: Duration,
        now: Instant,
    ) -> Vec<Inbox> {
        self.track(tombstones, now);
        let due = self.abandoned.iter_mut().filter(|known| {
            // Others wait for the delay, so that the inbox is not removed twice as a rule.
            let is_own_task = known.inbox.node == self.own_id || evicted.contains(&known.inbox);
            match known.last_attempt {
                None => is_own_task || now - known.known_since > delay,
                Some(last_attempt) => now - last_attempt > delay,
            }
        });
        due.map(|known| {
            known.last_attempt = Some(now);
            known.inbox.clone()
        })
        .collect()
    }

    fn track(&mut self, tombstones: &[Inbox], now: Instant) {
        // A tombstone that is gone was removed by another member.
        self.abandoned
            .retain(|known| tombstones.contains(&known.inbox));
        for inbox in tombstones {
            if !self.abandoned.iter().any(|known| known.inbox == *inbox) {
                self.abandoned.push(AbandonedInbox {
                    inbox: inbox.clone(),
                    known_since: now,
                    last_attempt: None,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inbox(node: &str) -> Inbox {
        Inbox {
            node: node.parse().unwrap(),
            incarnation: 1,
            connection: 1,
        }
    }

    #[test]
    fn own_and_evicted_inboxes_are_due_at_once_and_others_after_the_delay() {
        let (start, delay) = (Instant::now(), Duration::from_secs(5));
        let mut reaper = Reaper::new("own".parse().unwrap());
        let after = |seconds| start + Duration::from_secs(seconds);
        let tombstones = [inbox("own"), inbox("evicted"), inbox("other")];
        let other = &tombstones[2..];
        let due = reaper.due(&tombstones, &tombstones[1..2], delay, start);
        assert_eq!(due, tombstones[..2]);
        assert!(reaper.due(other, &[], delay, after(4)).is_empty());
        assert_eq!(reaper.due(other, &[], delay, after(6)), other);
        assert!(reaper.due(other, &[], delay, after(7)).is_empty());
        // The inbox is still there: the attempt has failed.
        assert_eq!(reaper.due(other, &[], delay, after(12)), other);
        assert!(reaper.due(&[], &[], delay, after(20)).is_empty());
    }
}
