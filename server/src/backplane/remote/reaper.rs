//! Which abandoned inboxes this node is to remove at the broker, and when.
//!
//! Who took a seat clears up after it at once, and so does a node after its own
//! earlier self. Should they die before they have, any other member does it a
//! lease later.

use std::time::Duration;

use tokio::time::Instant;

use super::Inbox;
use crate::id::NodeId;

pub(super) struct Reaper {
    me: NodeId,
    abandoned: Vec<AbandonedInbox>,
}

/// An abandoned inbox.
struct AbandonedInbox {
    inbox: Inbox,
    /// Since when this node knows of it.
    known_since: Instant,
    /// When this node tried to remove it.
    last_attempt: Option<Instant>,
}

impl Reaper {
    pub(super) fn new(me: NodeId) -> Self {
        Self {
            me,
            abandoned: Vec::new(),
        }
    }

    /// Those of `gone` that are this node's to remove now. `evicted` are those
    /// whose seats it took itself; for the others it waits for `patience`, and as
    /// long before it tries again.
    pub(super) fn due(
        &mut self,
        gone: &[Inbox],
        evicted: &[Inbox],
        patience: Duration,
        now: Instant,
    ) -> Vec<Inbox> {
        self.track(gone, now);
        let due = self.abandoned.iter_mut().filter(|known| {
            let mine = known.inbox.node == self.me || evicted.contains(&known.inbox);
            match known.last_attempt {
                None => mine || now - known.known_since > patience,
                Some(tried) => now - tried > patience,
            }
        });
        due.map(|known| {
            known.last_attempt = Some(now);
            known.inbox.clone()
        })
        .collect()
    }

    fn track(&mut self, gone: &[Inbox], now: Instant) {
        self.abandoned.retain(|known| gone.contains(&known.inbox));
        for inbox in gone {
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
    fn own_and_evicted_at_once_and_others_when_nobody_did() {
        let (start, patience) = (Instant::now(), Duration::from_secs(5));
        let mut reaper = Reaper::new("me".parse().unwrap());
        let after = |seconds| start + Duration::from_secs(seconds);
        let gone = [inbox("me"), inbox("mine"), inbox("other")];
        let due = reaper.due(&gone, &gone[1..2], patience, start);
        assert_eq!(due, gone[..2]);
        assert!(reaper.due(&gone[2..], &[], patience, after(4)).is_empty());
        assert_eq!(reaper.due(&gone[2..], &[], patience, after(6)), gone[2..]);
        assert!(reaper.due(&gone[2..], &[], patience, after(7)).is_empty());
        // It could not be removed: once more.
        assert_eq!(reaper.due(&gone[2..], &[], patience, after(12)), gone[2..]);
        assert!(reaper.due(&[], &[], patience, after(20)).is_empty());
    }
}
