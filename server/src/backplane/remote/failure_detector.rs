//! The failure detector: it suspects members that are silent for too long.
//!
//! A suspected member is dead, hangs or is unreachable. The detector measures silence up
//! to the instant when this node sent the last heartbeat *that returned to it*. After a
//! pause of this node or of the broker it so receives the waiting heartbeats of the
//! others before it suspects them.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use super::{
    Inbox,
    membership_table::{MembershipTable, TableEntry},
};
use crate::{
    backplane::{MemberEntry, lease::suspicion_timeout},
    id::NodeId,
};

/// The last signs of life that one connection has received.
pub(super) struct FailureDetector {
    /// The instant when the last own heartbeat that returned was sent.
    last_echo: Instant,
    last_heartbeats: HashMap<NodeId, LastHeartbeat>,
}

struct LastHeartbeat {
    generation: u64,
    at: Instant,
}

impl FailureDetector {
    /// Creates a detector that knows no members.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            last_echo: now,
            last_heartbeats: HashMap::new(),
        }
    }

    /// Takes over the members of another table. A new member counts as heard from now.
    pub(super) fn update_members(&mut self, table: &MembershipTable, now: Instant) {
        // A new connection of a known member counts as a new one: its silence begins now.
        self.last_heartbeats
            .retain(|id, last| table.entry_of(id, last.generation).is_some());
        for MemberEntry { member, .. } in table.entries() {
            let generation = member.generation;
            let last = self.last_heartbeats.entry(member.id.clone());
            last.or_insert(LastHeartbeat {
                generation,
                at: now,
            });
        }
    }

    /// Records a sign of life. One of an earlier generation does not count.
    pub(super) fn record_heartbeat(&mut self, id: &NodeId, generation: u64, now: Instant) {
        if let Some(last) = self.last_heartbeats.get_mut(id)
            && last.generation == generation
        {
            last.at = now;
        }
    }

    /// Records that the own heartbeat of the instant `sent` has returned.
    pub(super) fn record_own_echo(&mut self, sent: Instant) {
        self.last_echo = self.last_echo.max(sent);
    }

    /// Returns the other members that are silent for longer than their timeout and `grace`.
    pub(super) fn suspects(
        &self,
        table: &MembershipTable,
        own_id: &NodeId,
        grace: Duration,
    ) -> Vec<Inbox> {
        let is_suspect = |entry: &&MemberEntry<TableEntry>| {
            let last = self.last_heartbeats.get(&entry.member.id);
            last.is_some_and(|last| {
                // Up to the last echo, not up to now: see above. It is 0 for a member whose
                // last sign of life is later than the echo.
                let silence = self.last_echo.saturating_duration_since(last.at);
                silence > suspicion_timeout(entry.lease()) + grace
            })
        };
        let entries = table.entries().iter();
        let others = entries.filter(|entry| entry.member.id != *own_id);
        others.filter(is_suspect).map(MemberEntry::inbox).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backplane::Identity;

    /// A lease with a suspicion timeout of 6 s.
    const LEASE: Duration = Duration::from_secs(10);

    fn join(table: &mut MembershipTable, id: &str, incarnation: u64) {
        let identity = Identity::of_node(id, incarnation);
        let inbox = Inbox {
            node: identity.id.clone(),
            incarnation,
            connection: 1,
        };
        table.join(identity, &inbox, LEASE, 0).unwrap();
    }

    fn table(ids: &[&str]) -> MembershipTable {
        let mut table = MembershipTable::new();
        for id in ids {
            join(&mut table, id, 1);
        }
        table
    }

    fn suspects(detector: &FailureDetector, table: &MembershipTable) -> Vec<String> {
        let suspects = detector.suspects(table, &"a".parse().unwrap(), Duration::ZERO);
        suspects
            .iter()
            .map(|inbox| inbox.node.to_string())
            .collect()
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn silent_member_is_suspected_after_its_timeout() {
        let (start, table) = (Instant::now(), table(&["a", "b", "c"]));
        let mut detector = FailureDetector::new(start);
        detector.update_members(&table, start);
        detector.record_heartbeat(&"b".parse().unwrap(), 2, after(start, 4));
        detector.record_own_echo(after(start, 6));
        assert!(suspects(&detector, &table).is_empty());
        detector.record_own_echo(after(start, 7));
        assert_eq!(suspects(&detector, &table), ["c"]);
        detector.record_own_echo(after(start, 11));
        assert_eq!(suspects(&detector, &table), ["b", "c"]);
    }

    #[test]
    fn paused_node_suspects_no_member_before_its_own_echo() {
        let (start, table) = (Instant::now(), table(&["a", "b"]));
        let mut detector = FailureDetector::new(start);
        detector.update_members(&table, start);
        // After a minute's pause, the heartbeats of b arrive before the own one.
        assert!(suspects(&detector, &table).is_empty());
        detector.record_heartbeat(&"b".parse().unwrap(), 2, after(start, 60));
        detector.record_own_echo(after(start, 60));
        assert!(suspects(&detector, &table).is_empty());
    }

    #[test]
    fn heartbeat_of_an_earlier_generation_is_ignored() {
        let (start, mut table) = (Instant::now(), table(&["a", "b"]));
        let mut detector = FailureDetector::new(start);
        detector.update_members(&table, start);
        detector.record_heartbeat(&"b".parse().unwrap(), 1, after(start, 9));
        detector.record_own_echo(after(start, 10));
        assert_eq!(suspects(&detector, &table), ["b"]);
        join(&mut table, "b", 2);
        detector.update_members(&table, after(start, 10));
        assert!(suspects(&detector, &table).is_empty(), "b has joined again");
    }
}
