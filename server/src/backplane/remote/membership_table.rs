//! The membership table: the document at the broker that lists the members.
//!
//! The document is JSON, so that an operator can read it there. Nodes change it only by
//! compare-and-set.

use std::{ops::Deref, time::Duration};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::Inbox;
use crate::{
    backplane::{IdConflict, Identity, MemberEntry, MemberList},
    clock::{is_plausible_incarnation, is_plausible_version},
    id::NodeId,
};

/// The format of tables and frames. Nodes of different formats do not join each other.
const FORMAT: u16 = 4;

/// The largest table that is read. The members of any cluster need far less.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The members of a cluster and the inboxes that they left behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MembershipTable {
    format: u16,
    /// The version grows whenever the members change, and only then.
    #[serde(flatten)]
    members: MemberList<TableEntry>,
    /// The inboxes of ended connections. An inbox stays here until a member has removed
    /// it at the broker: a node that dies before it has done so leaks no inbox.
    pub(super) tombstones: Vec<Inbox>,
}

/// The part of a member's entry that views do not show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TableEntry {
    /// The connection of the member's inbox.
    connection: u64,
    /// The lease. A member that is silent for longer is removed.
    lease_ms: u64,
}

/// A stored document that is not a membership table of this format.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum InvalidMembership {
    #[error(
        "cannot read the membership table at the broker: {0}; hint: if no member runs, delete it"
    )]
    Malformed(String),
    #[error("invalid membership table of format {found}: expected format {FORMAT}")]
    UnsupportedFormat { found: u16 },
    #[error(
        "the membership table at the broker is not signed with this process's cluster secret; \
         hint: give all processes of the cluster one secret; if none runs, delete the table"
    )]
    Unsigned,
    #[error(
        "cannot join: the membership table at the broker is signed with a cluster secret; \
         hint: give this process the same --cluster-secret-file"
    )]
    Signed,
}

impl MembershipTable {
    /// Creates a table without members.
    pub(super) fn new() -> Self {
        Self {
            format: FORMAT,
            members: MemberList::starting_at(0),
            tombstones: Vec::new(),
        }
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, InvalidMembership> {
        // Any client of the broker can write the document.
        if bytes.len() > MAX_BYTES {
            let cause = format!("it has {} bytes, more than {MAX_BYTES}", bytes.len());
            return Err(InvalidMembership::Malformed(cause));
        }
        let malformed = |error: serde_json::Error| InvalidMembership::Malformed(error.to_string());
        // The format is read first: the rest of another format may have any shape.
        let FormatOnly { format: found } = serde_json::from_slice(bytes).map_err(malformed)?;
        if found != FORMAT {
            return Err(InvalidMembership::UnsupportedFormat { found });
        }
        let mut table: Self = serde_json::from_slice(bytes).map_err(malformed)?;
        // The next change adds one to it.
        if !is_plausible_version(table.version()) {
            let cause = format!("version {} is out of range", table.version());
            return Err(InvalidMembership::Malformed(cause));
        }
        // An operator may have edited the document, and entries are found by binary search.
        table.members.sort();
        let version = table.version();
        // An entry of the far future would keep its name from every later process.
        table.members.retain(|entry| {
            let member = &entry.member;
            member.generation <= version && is_plausible_incarnation(member.incarnation)
        });
        Ok(table)
    }

    pub(super) fn to_bytes(&self) -> Bytes {
        encode_json(self)
    }

    /// Returns the inbox of a node, if it still has this generation.
    pub(super) fn inbox_of(&self, id: &NodeId, generation: u64) -> Option<Inbox> {
        self.entry_of(id, generation).map(MemberEntry::inbox)
    }

    /// Returns the generation of the connection with this inbox, if it is a member.
    pub(super) fn generation_of(&self, inbox: &Inbox) -> Option<u64> {
        let entry = self.entry(&inbox.node)?;
        (entry.inbox() == *inbox).then_some(entry.member.generation)
    }

    /// Adds a connection, with a version above `above`.
    ///
    /// An entry of an earlier incarnation or connection of the node is replaced, and its
    /// inbox becomes a tombstone.
    pub(super) fn join(
        &mut self,
        identity: Identity,
        inbox: &Inbox,
        lease: Duration,
        above: u64,
    ) -> Result<(), IdConflict> {
        if let Some(holder) = self.entry(&inbox.node)
            && holder.member.incarnation == inbox.incarnation
            && holder.connection.connection > inbox.connection
        {
            // Two processes that started in the same millisecond. The order of their
            // connections decides, so that they do not replace each other in turn.
            return Err(IdConflict {
                id: identity.id,
                holder_incarnation: holder.member.incarnation,
                own_incarnation: inbox.incarnation,
            });
        }
        let entry = TableEntry {
            connection: inbox.connection,
            lease_ms: lease.as_millis() as u64,
        };
        let replaced = self.members.join(identity, entry, above)?;
        self.tombstones
            .extend(replaced.as_ref().map(MemberEntry::inbox));
        Ok(())
    }

    /// Removes the entries of these connections and returns those that were members.
    pub(super) fn remove(&mut self, inboxes: &[Inbox], above: u64) -> Vec<Inbox> {
        let is_removed = |entry: &MemberEntry<_>| inboxes.contains(&entry.inbox());
        let removed = self.members.remove(above, is_removed);
        let removed: Vec<Inbox> = removed.iter().map(MemberEntry::inbox).collect();
        self.tombstones.extend_from_slice(&removed);
        removed
    }

    /// Removes tombstones and returns whether there were any of them.
    ///
    /// The members stay the same, and so does the version.
    pub(super) fn remove_tombstones(&mut self, inboxes: &[Inbox]) -> bool {
        let before = self.tombstones.len();
        self.tombstones.retain(|inbox| !inboxes.contains(inbox));
        self.tombstones.len() < before
    }

    /// Raises the version above the current one and above `above`.
    pub(super) fn bump_version(&mut self, above: u64) {
        self.members.bump_version(above);
    }
}

/// The members can be read. They change only together with the tombstones.
impl Deref for MembershipTable {
    type Target = MemberList<TableEntry>;

    fn deref(&self) -> &Self::Target {
        &self.members
    }
}

/// Encodes a table, or a table and more.
pub(super) fn encode_json(table: &impl Serialize) -> Bytes {
    match serde_json::to_vec(table) {
        Ok(bytes) => bytes.into(),
        // Only maps with keys that are not strings and failing writers can fail here.
        Err(error) => unreachable!("cannot encode a membership table: {error}"),
    }
}

/// The one field that tables of all formats have.
#[derive(Deserialize)]
struct FormatOnly {
    format: u16,
}

impl MemberEntry<TableEntry> {
    pub(super) fn inbox(&self) -> Inbox {
        Inbox {
            node: self.member.id.clone(),
            incarnation: self.member.incarnation,
            connection: self.connection.connection,
        }
    }

    pub(super) fn lease(&self) -> Duration {
        Duration::from_millis(self.connection.lease_ms)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LEASE: Duration = Duration::from_secs(5);

    fn inbox(node: &str, incarnation: u64, connection: u64) -> Inbox {
        Inbox {
            node: node.parse().unwrap(),
            incarnation,
            connection,
        }
    }

    fn join(table: &mut MembershipTable, inbox: &Inbox) -> Result<(), IdConflict> {
        let identity = Identity::of_node(inbox.node.as_str(), inbox.incarnation);
        table.join(identity, inbox, LEASE, 0)
    }

    #[test]
    fn later_connection_replaces_the_entry_and_leaves_a_tombstone() {
        let mut table = MembershipTable::new();
        let connections = [inbox("a", 1, 1), inbox("a", 1, 2), inbox("a", 2, 1)];
        for connection in &connections {
            join(&mut table, connection).unwrap();
            assert!(table.generation_of(connection).is_some());
        }
        assert_eq!(table.version(), 3);
        assert_eq!(table.generation_of(&connections[2]), Some(3));
        assert_eq!(table.tombstones, connections[..2]);
        for earlier in &connections[..2] {
            assert!(join(&mut table, earlier).is_err());
        }
        assert_eq!(table.generation_of(&connections[2]), Some(3));
    }

    #[test]
    fn removing_an_earlier_connection_keeps_the_later_one() {
        let mut table = MembershipTable::new();
        let (old, new) = (inbox("a", 1, 1), inbox("a", 1, 2));
        join(&mut table, &old).unwrap();
        join(&mut table, &new).unwrap();
        let first = [old];
        assert!(table.remove(&first, 0).is_empty());
        assert!(table.generation_of(&new).is_some());
        let last = [new];
        assert_eq!(table.remove(&last, 99), last);
        assert_eq!((table.version(), table.entries().len()), (100, 0));
        assert!(table.remove_tombstones(&[first, last].concat()));
        assert_eq!((table.version(), table.tombstones.len()), (100, 0));
    }

    #[test]
    fn table_is_flat_json() {
        let mut table = MembershipTable::new();
        join(&mut table, &inbox("a", 7, 9)).unwrap();
        let json = String::from_utf8(table.to_bytes().to_vec()).unwrap();
        assert_eq!(
            json,
            r#"{"format":4,"version":1,"entries":[{"id":"a","incarnation":7,"generation":1,"address":null,"role":"node","connection":9,"lease_ms":5000}],"tombstones":[]}"#,
        );
    }

    #[test]
    fn table_of_another_format_or_version_is_rejected() {
        let error = MembershipTable::parse(br#"{"format":1,"seats":[]}"#).unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid membership table of format 1: expected format 4"
        );
        let mut table = MembershipTable::new();
        table.members = MemberList::starting_at(u64::MAX);
        assert!(MembershipTable::parse(&table.to_bytes()).is_err());
    }

    #[test]
    fn entry_of_the_far_future_is_ignored() {
        let mut table = MembershipTable::new();
        join(&mut table, &inbox("later", 1 << 63, 1)).unwrap();
        join(&mut table, &inbox("now", 7, 1)).unwrap();
        let parsed = MembershipTable::parse(&table.to_bytes()).unwrap();
        let ids: Vec<&str> = parsed
            .entries()
            .iter()
            .map(|entry| entry.member.id.as_str())
            .collect();
        assert_eq!(ids, ["now"]);
    }

    /// An operation on a table.
    #[derive(Debug, Clone)]
    enum TableOp {
        Join(Inbox),
        Remove(Inbox),
        RemoveTombstone(Inbox),
    }

    fn operations() -> impl Strategy<Value = Vec<TableOp>> {
        let inbox = (0..4_u8, 0..3_u64, 0..3_u64).prop_map(|(node, incarnation, connection)| {
            inbox(&format!("n{node}"), incarnation, connection)
        });
        let operation = (inbox, 0..3_u8).prop_map(|(inbox, kind)| match kind {
            0 => TableOp::Join(inbox),
            1 => TableOp::Remove(inbox),
            _ => TableOp::RemoveTombstone(inbox),
        });
        prop::collection::vec(operation, 0..40)
    }

    proptest! {
        #[test]
        fn every_inbox_is_an_entry_or_a_tombstone_until_it_is_removed(operations in operations()) {
            let mut table = MembershipTable::new();
            let mut created: Vec<Inbox> = Vec::new();
            for operation in operations {
                let before = table.clone();
                match operation {
                    TableOp::Join(inbox) => {
                        // A connection joins once.
                        if !created.contains(&inbox) && join(&mut table, &inbox).is_ok() {
                            created.push(inbox);
                        }
                    }
                    TableOp::Remove(inbox) => {
                        table.remove(&[inbox], 0);
                    }
                    TableOp::RemoveTombstone(inbox) => {
                        if table.remove_tombstones(std::slice::from_ref(&inbox)) {
                            created.retain(|created| *created != inbox);
                        }
                    }
                }
                let members = |table: &MembershipTable| table.view().members;
                prop_assert_eq!(
                    table.version() > before.version(),
                    members(&table) != members(&before)
                );
                let mut known: Vec<Inbox> = table.entries().iter().map(MemberEntry::inbox).collect();
                known.extend(table.tombstones.iter().cloned());
                let by_name = |inbox: &Inbox| inbox.to_string();
                known.sort_by_key(by_name);
                created.sort_by_key(by_name);
                prop_assert_eq!(&known, &created);
                prop_assert_eq!(&MembershipTable::parse(&table.to_bytes()).unwrap(), &table);
            }
        }

        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = MembershipTable::parse(&bytes);
        }
    }
}
