//! Who was heard when. A member that is silent for too much of its lease is dead,
//! hung or cut off.
//!
//! Silence is only held against a member while this node can hear: it measures up
//! to when the last of its own beats *that came back* was sent. A node that was
//! paused, or whose broker was, hears what waited for it before it judges.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use super::{Inbox, membership_table::MembershipTable};
use crate::{backplane::lease::suspicion_timeout, id::NodeId};

/// What one connection has heard.
pub(super) struct FailureDetector {
    /// The greatest roster version that anybody was heard to go by.
    pub(super) newest_version: u64,
    /// When the last own beat that came back was sent.
    last_echo: Instant,
    last_heartbeats: HashMap<NodeId, LastHeartbeat>,
}

struct LastHeartbeat {
    generation: u64,
    at: Instant,
}

impl FailureDetector {
    /// Nobody so far.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            newest_version: 0,
            last_echo: now,
            last_heartbeats: HashMap::new(),
        }
    }

    /// Goes by another roster. Who is new on it counts as heard just now.
    pub(super) fn update_members(&mut self, roster: &MembershipTable, now: Instant) {
        self.last_heartbeats
            .retain(|id, _| roster.entry(id).is_some());
        for seat in roster.entries() {
            let fresh = LastHeartbeat {
                generation: seat.generation,
                at: now,
            };
            let heard = self.last_heartbeats.entry(seat.id().clone());
            let heard = heard.or_insert_with(|| LastHeartbeat { ..fresh });
            if heard.generation != seat.generation {
                *heard = fresh;
            }
        }
    }

    /// A sign of life.
    pub(super) fn record_heartbeat(&mut self, id: &NodeId, joined: u64, now: Instant) {
        if let Some(heard) = self.last_heartbeats.get_mut(id)
            && heard.generation == joined
        {
            heard.at = now;
        }
    }

    /// The own beat of that moment came back.
    pub(super) fn record_own_echo(&mut self, sent: Instant) {
        self.last_echo = self.last_echo.max(sent);
    }

    /// The members but `me` that were silent for `grace` longer than they may be.
    pub(super) fn suspects(
        &self,
        roster: &MembershipTable,
        me: &NodeId,
        grace: Duration,
    ) -> Vec<Inbox> {
        let is_silent = |seat: &&super::membership_table::MemberEntry| {
            let heard = self.last_heartbeats.get(seat.id());
            heard.is_some_and(|heard| {
                let silent = self.last_echo.saturating_duration_since(heard.at);
                silent > suspicion_timeout(seat.lease()) + grace
            })
        };
        let others = roster.entries().iter().filter(|seat| seat.id() != me);
        others
            .filter(is_silent)
            .map(|seat| seat.inbox.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backplane::{Identity, MemberRole};

    /// Of which a member may be silent for 6 s.
    const LEASE: Duration = Duration::from_secs(10);

    fn roster(ids: &[&str]) -> MembershipTable {
        let mut roster = MembershipTable::new();
        for id in ids {
            let identity = Identity {
                id: id.parse().unwrap(),
                incarnation: 1,
                address: None,
                role: MemberRole::Node,
            };
            let inbox = Inbox {
                node: identity.id.clone(),
                incarnation: 1,
                connection: 1,
            };
            roster.join(&identity, &inbox, LEASE, 0).unwrap();
        }
        roster
    }

    fn silent(hearing: &FailureDetector, roster: &MembershipTable) -> Vec<String> {
        let silent = hearing.suspects(roster, &"a".parse().unwrap(), Duration::ZERO);
        silent.iter().map(|inbox| inbox.node.to_string()).collect()
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn who_says_nothing_for_too_long_is_silent() {
        let (start, roster) = (Instant::now(), roster(&["a", "b", "c"]));
        let mut hearing = FailureDetector::new(start);
        hearing.update_members(&roster, start);
        hearing.record_heartbeat(&"b".parse().unwrap(), 2, after(start, 4));
        hearing.record_own_echo(after(start, 6));
        assert!(silent(&hearing, &roster).is_empty());
        hearing.record_own_echo(after(start, 7));
        assert_eq!(silent(&hearing, &roster), ["c"]);
        hearing.record_own_echo(after(start, 11));
        assert_eq!(silent(&hearing, &roster), ["b", "c"]);
    }

    #[test]
    fn who_cannot_hear_itself_accuses_nobody() {
        let (start, roster) = (Instant::now(), roster(&["a", "b"]));
        let mut hearing = FailureDetector::new(start);
        hearing.update_members(&roster, start);
        // Paused for a minute: what b said meanwhile is heard before the own beat.
        assert!(silent(&hearing, &roster).is_empty());
        hearing.record_heartbeat(&"b".parse().unwrap(), 2, after(start, 60));
        hearing.record_own_echo(after(start, 60));
        assert!(silent(&hearing, &roster).is_empty());
    }

    #[test]
    fn a_former_seat_is_no_sign_of_life_and_a_new_one_is() {
        let (start, mut roster) = (Instant::now(), roster(&["a", "b"]));
        let mut hearing = FailureDetector::new(start);
        hearing.update_members(&roster, start);
        hearing.record_heartbeat(&"b".parse().unwrap(), 1, after(start, 9));
        hearing.record_own_echo(after(start, 10));
        assert_eq!(silent(&hearing, &roster), ["b"]);
        let identity = Identity {
            id: "b".parse().unwrap(),
            incarnation: 2,
            address: None,
            role: MemberRole::Node,
        };
        let inbox = Inbox {
            node: identity.id.clone(),
            incarnation: 2,
            connection: 1,
        };
        roster.join(&identity, &inbox, LEASE, 0).unwrap();
        hearing.update_members(&roster, after(start, 10));
        assert!(silent(&hearing, &roster).is_empty());
    }
}
