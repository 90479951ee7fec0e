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
    backplane::{
        MemberEntry,
        lease::{MASS_SILENCE_LEASES, is_mass_silence, suspicion_timeout},
    },
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
    /// Whether the member has sent anything: `at` is the time of its entry until then.
    is_heard: bool,
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
                is_heard: false,
            });
        }
    }

    /// Records a sign of life. One of an earlier generation does not count.
    pub(super) fn record_heartbeat(&mut self, id: &NodeId, generation: u64, now: Instant) {
        if let Some(last) = self.last_heartbeats.get_mut(id)
            && last.generation == generation
        {
            last.at = now;
            last.is_heard = true;
        }
    }

    /// Whether every other member has sent something since its entry was seen.
    pub(super) fn has_heard_all(&self, table: &MembershipTable, own_id: &NodeId) -> bool {
        let entries = table.entries().iter();
        let mut others = entries.filter(|entry| entry.member.id != *own_id);
        others.all(|entry| {
            let last = self.last_heartbeats.get(&entry.member.id);
            last.is_some_and(|last| last.is_heard && last.generation == entry.member.generation)
        })
    }

    /// Records that the own heartbeat of the instant `sent` has returned.
    pub(super) fn record_own_echo(&mut self, sent: Instant) {
        self.last_echo = self.last_echo.max(sent);
    }

    /// Returns the other members that are silent for longer than their timeout and `grace`.
    ///
    /// When most members fall silent at once, the broker or this node is the likelier cause:
    /// they are suspected only after [`MASS_SILENCE_LEASES`].
    pub(super) fn suspects(
        &self,
        table: &MembershipTable,
        own_id: &NodeId,
        grace: Duration,
    ) -> Vec<Inbox> {
        let entries = table.entries();
        let others = entries.iter().filter(|entry| entry.member.id != *own_id);
        let silent = others.filter_map(|entry| Some((entry, self.silence_of(entry)?)));
        let silent: Vec<_> = silent.collect();
        // Members that fall silent together pass their timeouts one after another, because the
        // last signs of life of each come at another time. From half of it on they count as one.
        let half_silent = silent
            .iter()
            .filter(|(entry, silence)| *silence > suspicion_timeout(entry.lease()) / 2)
            .count();
        let mut suspects: Vec<_> = silent
            .into_iter()
            .filter(|(entry, silence)| *silence > suspicion_timeout(entry.lease()) + grace)
            .collect();
        if is_mass_silence(half_silent, entries.len()) {
            suspects.retain(|(entry, silence)| *silence > entry.lease() * MASS_SILENCE_LEASES);
        }
        suspects.iter().map(|(entry, _)| entry.inbox()).collect()
    }

    fn silence_of(&self, entry: &MemberEntry<TableEntry>) -> Option<Duration> {
        let last = self.last_heartbeats.get(&entry.member.id)?;
        // Up to the last echo, not up to now: see above. It is 0 for a member whose last
        // sign of life is later than the echo.
        Some(self.last_echo.saturating_duration_since(last.at))
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

    /// Returns the generation of a member in `table`: members join in the order of letters.
    fn generation(id: &str) -> u64 {
        u64::from(id.as_bytes()[0] - b'a') + 1
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn silent_member_is_suspected_after_its_timeout() {
        let (start, table) = (Instant::now(), table(&["a", "b", "c", "d", "e"]));
        let mut detector = FailureDetector::new(start);
        detector.update_members(&table, start);
        for (id, second) in [("b", 4), ("d", 11), ("e", 11)] {
            detector.record_heartbeat(&id.parse().unwrap(), generation(id), after(start, second));
        }
        detector.record_own_echo(after(start, 6));
        assert!(suspects(&detector, &table).is_empty());
        detector.record_own_echo(after(start, 7));
        assert_eq!(suspects(&detector, &table), ["c"]);
        detector.record_own_echo(after(start, 11));
        assert_eq!(suspects(&detector, &table), ["b", "c"]);
    }

    #[test]
    fn all_are_heard_when_each_other_member_has_sent_something() {
        let (start, mut table) = (Instant::now(), table(&["a", "b", "c"]));
        let own = "a".parse().unwrap();
        let mut detector = FailureDetector::new(start);
        detector.update_members(&table, start);
        assert!(!detector.has_heard_all(&table, &own));
        for id in ["b", "c"] {
            detector.record_heartbeat(&id.parse().unwrap(), generation(id), after(start, 1));
        }
        assert!(detector.has_heard_all(&table, &own));
        join(&mut table, "b", 2);
        detector.update_members(&table, after(start, 2));
        assert!(!detector.has_heard_all(&table, &own), "b has joined again");
    }

    #[test]
    fn silence_of_most_members_is_not_believed_for_some_leases() {
        let (start, table) = (Instant::now(), table(&["a", "b", "c"]));
        let mut detector = FailureDetector::new(start);
        detector.update_members(&table, start);
        detector.record_own_echo(after(start, 59));
        assert!(suspects(&detector, &table).is_empty());
        // One of them is back: the other one is dead.
        detector.record_heartbeat(&"b".parse().unwrap(), generation("b"), after(start, 59));
        assert_eq!(suspects(&detector, &table), ["c"]);
        detector.record_own_echo(after(start, 59 + 61));
        assert_eq!(suspects(&detector, &table), ["b", "c"]);
    }

    #[test]
    fn members_that_fall_silent_one_after_another_count_as_one() {
        let (start, table) = (Instant::now(), table(&["a", "b", "c", "d", "e"]));
        let mut detector = FailureDetector::new(start);
        detector.update_members(&table, start);
        for (id, second) in [("b", 7), ("d", 1), ("e", 2)] {
            detector.record_heartbeat(&id.parse().unwrap(), generation(id), after(start, second));
        }
        // Only c has passed its timeout, and d and e are silent for longer than half of it.
        detector.record_own_echo(after(start, 7));
        assert!(suspects(&detector, &table).is_empty());
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
