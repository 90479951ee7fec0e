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
    /// Since when this node knows of each.
    known: Vec<(Inbox, Instant)>,
}

impl Reaper {
    pub(super) fn new(me: NodeId) -> Self {
        Self {
            me,
            known: Vec::new(),
        }
    }

    /// Those of `gone` that are this node's to remove now. `evicted` are those
    /// whose seats it took itself; for the others it waits for `patience`.
    pub(super) fn due(
        &mut self,
        gone: &[Inbox],
        evicted: &[Inbox],
        patience: Duration,
        now: Instant,
    ) -> Vec<Inbox> {
        self.known.retain(|(inbox, _)| gone.contains(inbox));
        for inbox in gone {
            if !self.known.iter().any(|(known, _)| known == inbox) {
                self.known.push((inbox.clone(), now));
            }
        }
        let is_due = |(inbox, since): &&(Inbox, Instant)| {
            inbox.node == self.me || evicted.contains(inbox) || now - *since > patience
        };
        let due = self.known.iter().filter(is_due);
        due.map(|(inbox, _)| inbox.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inbox(node: &str) -> Inbox {
        Inbox {
            node: node.parse().unwrap(),
            boot: 1,
            connection: 1,
        }
    }

    #[test]
    fn own_and_evicted_at_once_and_others_when_nobody_did() {
        let (start, patience) = (Instant::now(), Duration::from_secs(5));
        let mut reaper = Reaper::new("me".parse().unwrap());
        let gone = [inbox("me"), inbox("mine"), inbox("other")];
        let due = reaper.due(&gone, &gone[1..2], patience, start);
        assert_eq!(due, gone[..2]);
        let later = start + Duration::from_secs(4);
        assert!(reaper.due(&gone[2..], &[], patience, later).is_empty());
        let much_later = start + Duration::from_secs(6);
        assert_eq!(reaper.due(&gone[2..], &[], patience, much_later), gone[2..]);
        assert!(reaper.due(&[], &[], patience, much_later).is_empty());
    }
}
