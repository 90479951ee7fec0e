//! Who was heard when. A member that is silent for too much of its lease is dead,
//! hung or cut off.
//!
//! Silence is only held against a member while this node can hear: it measures up
//! to when the last of its own beats *that came back* was sent. A node that was
//! paused, or whose broker was, hears what waited for it before it judges.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use super::{Inbox, membership_table::Roster};
use crate::{backplane::lease::may_be_silent, id::NodeId};

/// What one connection has heard.
pub(super) struct Hearing {
    /// The greatest roster version that anybody was heard to go by.
    pub(super) newest: u64,
    /// When the last own beat that came back was sent.
    echo: Instant,
    heard: HashMap<NodeId, Heard>,
}

struct Heard {
    joined: u64,
    at: Instant,
}

impl Hearing {
    /// Nobody so far.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            newest: 0,
            echo: now,
            heard: HashMap::new(),
        }
    }

    /// Goes by another roster. Who is new on it counts as heard just now.
    pub(super) fn follow(&mut self, roster: &Roster, now: Instant) {
        self.heard.retain(|id, _| roster.seat(id).is_some());
        for seat in roster.seats() {
            let fresh = Heard {
                joined: seat.joined,
                at: now,
            };
            let heard = self.heard.entry(seat.id().clone());
            let heard = heard.or_insert_with(|| Heard { ..fresh });
            if heard.joined != seat.joined {
                *heard = fresh;
            }
        }
    }

    /// A sign of life.
    pub(super) fn heard(&mut self, id: &NodeId, joined: u64, now: Instant) {
        if let Some(heard) = self.heard.get_mut(id)
            && heard.joined == joined
        {
            heard.at = now;
        }
    }

    /// The own beat of that moment came back.
    pub(super) fn echoed(&mut self, sent: Instant) {
        self.echo = self.echo.max(sent);
    }

    /// The members but `me` that were silent for `grace` longer than they may be.
    pub(super) fn silent(&self, roster: &Roster, me: &NodeId, grace: Duration) -> Vec<Inbox> {
        let is_silent = |seat: &&super::membership_table::Seat| {
            let heard = self.heard.get(seat.id());
            heard.is_some_and(|heard| {
                let silent = self.echo.saturating_duration_since(heard.at);
                silent > may_be_silent(seat.lease()) + grace
            })
        };
        let others = roster.seats().iter().filter(|seat| seat.id() != me);
        others
            .filter(is_silent)
            .map(|seat| seat.inbox.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backplane::{Identity, Role};

    /// Of which a member may be silent for 6 s.
    const LEASE: Duration = Duration::from_secs(10);

    fn roster(ids: &[&str]) -> Roster {
        let mut roster = Roster::new();
        for id in ids {
            let identity = Identity {
                id: id.parse().unwrap(),
                boot: 1,
                address: None,
                role: Role::Node,
            };
            let inbox = Inbox {
                node: identity.id.clone(),
                boot: 1,
                connection: 1,
            };
            roster.join(&identity, &inbox, LEASE, 0).unwrap();
        }
        roster
    }

    fn silent(hearing: &Hearing, roster: &Roster) -> Vec<String> {
        let silent = hearing.silent(roster, &"a".parse().unwrap(), Duration::ZERO);
        silent.iter().map(|inbox| inbox.node.to_string()).collect()
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn who_says_nothing_for_too_long_is_silent() {
        let (start, roster) = (Instant::now(), roster(&["a", "b", "c"]));
        let mut hearing = Hearing::new(start);
        hearing.follow(&roster, start);
        hearing.heard(&"b".parse().unwrap(), 2, after(start, 4));
        hearing.echoed(after(start, 6));
        assert!(silent(&hearing, &roster).is_empty());
        hearing.echoed(after(start, 7));
        assert_eq!(silent(&hearing, &roster), ["c"]);
        hearing.echoed(after(start, 11));
        assert_eq!(silent(&hearing, &roster), ["b", "c"]);
    }

    #[test]
    fn who_cannot_hear_itself_accuses_nobody() {
        let (start, roster) = (Instant::now(), roster(&["a", "b"]));
        let mut hearing = Hearing::new(start);
        hearing.follow(&roster, start);
        // Paused for a minute: what b said meanwhile is heard before the own beat.
        assert!(silent(&hearing, &roster).is_empty());
        hearing.heard(&"b".parse().unwrap(), 2, after(start, 60));
        hearing.echoed(after(start, 60));
        assert!(silent(&hearing, &roster).is_empty());
    }

    #[test]
    fn a_former_seat_is_no_sign_of_life_and_a_new_one_is() {
        let (start, mut roster) = (Instant::now(), roster(&["a", "b"]));
        let mut hearing = Hearing::new(start);
        hearing.follow(&roster, start);
        hearing.heard(&"b".parse().unwrap(), 1, after(start, 9));
        hearing.echoed(after(start, 10));
        assert_eq!(silent(&hearing, &roster), ["b"]);
        let identity = Identity {
            id: "b".parse().unwrap(),
            boot: 2,
            address: None,
            role: Role::Node,
        };
        let inbox = Inbox {
            node: identity.id.clone(),
            boot: 2,
            connection: 1,
        };
        roster.join(&identity, &inbox, LEASE, 0).unwrap();
        hearing.follow(&roster, after(start, 10));
        assert!(silent(&hearing, &roster).is_empty());
    }
}
