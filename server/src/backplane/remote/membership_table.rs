//! The roster: the document at the broker that says who the members are. It is
//! JSON, for a person to read there, and changed by compare-and-set only.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::Inbox;
use crate::{
    backplane::{IdConflict, Identity, Member, MemberRole, View, is_valid_version},
    id::NodeId,
};

/// Nodes that write frames or rosters another way do not meet.
const FORMAT: u16 = 3;

/// Far more than the members of any cluster need.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Who is there, and what they leave behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MembershipTable {
    format: u16,
    /// Grows whenever the members change.
    pub(super) version: u64,
    /// Ordered by id.
    entries: Vec<MemberEntry>,
    /// Inboxes of seats that are no more. They are remembered until somebody has
    /// removed them at the broker, so that whoever dies before it has does not leak
    /// them.
    pub(super) tombstones: Vec<Inbox>,
}

/// A member's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MemberEntry {
    pub(super) inbox: Inbox,
    /// The version that first contained this seat.
    pub(super) generation: u64,
    /// A member that is silent for longer loses its seat.
    lease_ms: u64,
    address: Option<String>,
    role: MemberRole,
}

/// A document that is no roster of ours.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum InvalidMembership {
    #[error("what the broker keeps as the membership table of the cluster cannot be read: {0}")]
    Malformed(String),
    #[error(
        "the cluster's nodes keep a membership table of format {found}, this one of format {FORMAT}"
    )]
    UnsupportedFormat { found: u16 },
}

impl MembershipTable {
    /// Nobody.
    pub(super) fn new() -> Self {
        Self {
            format: FORMAT,
            version: 0,
            entries: Vec::new(),
            tombstones: Vec::new(),
        }
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, InvalidMembership> {
        if bytes.len() > MAX_BYTES {
            let garbled = format!("{} bytes are too many", bytes.len());
            return Err(InvalidMembership::Malformed(garbled));
        }
        let garbled = |error: serde_json::Error| InvalidMembership::Malformed(error.to_string());
        let mut roster: Self = serde_json::from_slice(bytes).map_err(garbled)?;
        if roster.format != FORMAT {
            let found = roster.format;
            return Err(InvalidMembership::UnsupportedFormat { found });
        }
        if !is_valid_version(roster.version) {
            let garbled = format!("version {} is out of range", roster.version);
            return Err(InvalidMembership::Malformed(garbled));
        }
        roster.entries.sort_by(|a, b| a.id().cmp(b.id()));
        roster.entries.dedup_by(|a, b| a.id() == b.id());
        Ok(roster)
    }

    pub(super) fn to_bytes(&self) -> Bytes {
        match serde_json::to_vec(self) {
            Ok(bytes) => bytes.into(),
            // Only maps with odd keys and failing writers can fail here.
            Err(error) => unreachable!("a roster that cannot be encoded: {error}"),
        }
    }

    /// The seat of that node.
    pub(super) fn entry(&self, id: &NodeId) -> Option<&MemberEntry> {
        self.entries.get(self.position(id).ok()?)
    }

    pub(super) fn entries(&self) -> &[MemberEntry] {
        &self.entries
    }

    /// The seat of that very connection.
    pub(super) fn entry_of(&self, inbox: &Inbox) -> Option<&MemberEntry> {
        self.entry(&inbox.node).filter(|seat| seat.inbox == *inbox)
    }

    /// Seats a node, above the version `above`. The seat of its earlier life or
    /// connection is taken over.
    pub(super) fn join(
        &mut self,
        identity: &Identity,
        inbox: &Inbox,
        lease: Duration,
        above: u64,
    ) -> Result<(), IdConflict> {
        let at = self.position(&inbox.node);
        if let Ok(at) = at
            && self.entries[at].inbox.is_after(inbox)
        {
            return Err(IdConflict {
                id: inbox.node.clone(),
                taken: self.entries[at].inbox.incarnation,
                found: inbox.incarnation,
            });
        }
        self.bump_version(above);
        let seat = MemberEntry {
            inbox: inbox.clone(),
            generation: self.version,
            lease_ms: lease.as_millis() as u64,
            address: identity.address.clone(),
            role: identity.role,
        };
        match at {
            Ok(at) => {
                let old = std::mem::replace(&mut self.entries[at], seat);
                self.tombstones.push(old.inbox);
            }
            Err(at) => self.entries.insert(at, seat),
        }
        Ok(())
    }

    /// Takes the seats of these connections; answers those that had one.
    pub(super) fn remove(&mut self, inboxes: &[Inbox], above: u64) -> Vec<Inbox> {
        let leave = |seat: &mut MemberEntry| inboxes.contains(&seat.inbox);
        let left = self.entries.extract_if(.., leave).map(|seat| seat.inbox);
        let left: Vec<Inbox> = left.collect();
        if !left.is_empty() {
            self.bump_version(above);
        }
        self.tombstones.extend_from_slice(&left);
        left
    }

    /// These inboxes are removed at the broker; whether any was remembered. The
    /// members stay the same, and so does the version.
    pub(super) fn remove_tombstones(&mut self, inboxes: &[Inbox]) -> bool {
        let before = self.tombstones.len();
        self.tombstones.retain(|gone| !inboxes.contains(gone));
        self.tombstones.len() < before
    }

    /// A version greater than this roster's and than `above`.
    pub(super) fn bump_version(&mut self, above: u64) {
        self.version = self.version.max(above) + 1;
    }

    pub(super) fn view(&self) -> View {
        View {
            version: self.version,
            members: self.entries.iter().map(MemberEntry::member).collect(),
            connected: true,
        }
    }

    fn position(&self, id: &NodeId) -> Result<usize, usize> {
        self.entries.binary_search_by(|seat| seat.id().cmp(id))
    }
}

impl MemberEntry {
    pub(super) fn id(&self) -> &NodeId {
        &self.inbox.node
    }

    pub(super) fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms)
    }

    fn member(&self) -> Member {
        Member {
            id: self.id().clone(),
            incarnation: self.inbox.incarnation,
            generation: self.generation,
            address: self.address.clone(),
            role: self.role,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LEASE: Duration = Duration::from_secs(5);

    fn inbox(node: &str, boot: u64, connection: u64) -> Inbox {
        Inbox {
            node: node.parse().unwrap(),
            incarnation: boot,
            connection,
        }
    }

    fn join(roster: &mut MembershipTable, inbox: &Inbox) -> Result<(), IdConflict> {
        let identity = Identity {
            id: inbox.node.clone(),
            incarnation: inbox.incarnation,
            address: None,
            role: MemberRole::Node,
        };
        roster.join(&identity, inbox, LEASE, 0)
    }

    #[test]
    fn a_later_connection_takes_over_and_leaves_an_inbox_behind() {
        let mut roster = MembershipTable::new();
        let lives = [inbox("a", 1, 1), inbox("a", 1, 2), inbox("a", 2, 1)];
        for life in &lives {
            join(&mut roster, life).unwrap();
            assert!(roster.entry_of(life).is_some());
        }
        assert_eq!(roster.version, 3);
        assert_eq!(roster.entries()[0].generation, 3);
        assert_eq!(roster.tombstones, lives[..2]);
        for earlier in &lives[..2] {
            assert!(join(&mut roster, earlier).is_err());
        }
        assert!(roster.entry_of(&lives[2]).is_some());
    }

    #[test]
    fn only_the_very_connection_is_removed() {
        let mut roster = MembershipTable::new();
        let (old, new) = (inbox("a", 1, 1), inbox("a", 1, 2));
        join(&mut roster, &old).unwrap();
        join(&mut roster, &new).unwrap();
        let first = [old];
        assert!(roster.remove(&first, 0).is_empty());
        assert!(roster.entry_of(&new).is_some());
        let last = [new];
        assert_eq!(roster.remove(&last, 99), last);
        assert_eq!((roster.version, roster.entries().len()), (100, 0));
        assert!(roster.remove_tombstones(&[first, last].concat()));
        assert_eq!((roster.version, roster.tombstones.len()), (100, 0));
    }

    #[test]
    fn other_formats_are_told_apart() {
        let mut roster = MembershipTable::new();
        roster.format = 1;
        let error = MembershipTable::parse(&roster.to_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the cluster's nodes keep a membership table of format 1, this one of format 3"
        );
        roster.format = FORMAT;
        roster.version = u64::MAX;
        assert!(MembershipTable::parse(&roster.to_bytes()).is_err());
    }

    /// What may happen to a roster.
    #[derive(Debug, Clone)]
    enum TableOp {
        Join(Inbox),
        Remove(Inbox),
        Forget(Inbox),
    }

    fn steps() -> impl Strategy<Value = Vec<TableOp>> {
        let inbox = (0..4_u8, 0..3_u64, 0..3_u64)
            .prop_map(|(node, boot, connection)| inbox(&format!("n{node}"), boot, connection));
        let step = (inbox, 0..3_u8).prop_map(|(inbox, kind)| match kind {
            0 => TableOp::Join(inbox),
            1 => TableOp::Remove(inbox),
            _ => TableOp::Forget(inbox),
        });
        prop::collection::vec(step, 0..40)
    }

    proptest! {
        #[test]
        fn every_inbox_is_seated_or_remembered_until_it_is_removed(steps in steps()) {
            let mut roster = MembershipTable::new();
            let mut made: Vec<Inbox> = Vec::new();
            for step in steps {
                let before = roster.clone();
                match step {
                    TableOp::Join(inbox) => {
                        // A connection joins once.
                        if !made.contains(&inbox) && join(&mut roster, &inbox).is_ok() {
                            made.push(inbox);
                        }
                    }
                    TableOp::Remove(inbox) => {
                        roster.remove(&[inbox], 0);
                    }
                    TableOp::Forget(inbox) => {
                        if roster.remove_tombstones(std::slice::from_ref(&inbox)) {
                            made.retain(|made| *made != inbox);
                        }
                    }
                }
                let members = |roster: &MembershipTable| roster.view().members;
                prop_assert_eq!(roster.version > before.version, members(&roster) != members(&before));
                let mut known: Vec<Inbox> = roster.entries().iter().map(|seat| seat.inbox.clone()).collect();
                known.extend(roster.tombstones.iter().cloned());
                let order = |inbox: &Inbox| inbox.to_string();
                known.sort_by_key(order);
                made.sort_by_key(order);
                prop_assert_eq!(&known, &made);
                prop_assert_eq!(&MembershipTable::parse(&roster.to_bytes()).unwrap(), &roster);
            }
        }

        #[test]
        fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = MembershipTable::parse(&noise);
        }
    }
}
