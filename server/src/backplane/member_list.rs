//! The rules of membership that the embedded broker and the membership table share.

use serde::{Deserialize, Serialize};

use super::{Identity, Member, View};
use crate::{clock::version_now, id::NodeId};

/// The members of a cluster, ordered by id, and the version of that list.
///
/// `C` is the part of an entry that members do not see: how its connection is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MemberList<C> {
    version: u64,
    entries: Vec<MemberEntry<C>>,
}

/// The entry of one connection of one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MemberEntry<C> {
    #[serde(flatten)]
    pub(crate) member: Member,
    #[serde(flatten)]
    pub(crate) connection: C,
}

/// A join that was rejected, because a later incarnation holds the node id.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "cannot join as node {id}: a process that started later holds this id \
     (incarnation {holder_incarnation}, this process {own_incarnation})"
)]
pub(crate) struct IdConflict {
    pub(crate) id: NodeId,
    pub(crate) holder_incarnation: u64,
    pub(crate) own_incarnation: u64,
}

/// Returns the version at which a list starts when no earlier version is known.
///
/// The version is the clock in hundredths of a second. Over a long time members change
/// less often than that, so it exceeds every version before a restart, even when the first
/// node to join never saw those. If the clock is behind, [`MemberList::join`] still
/// goes above the versions that other nodes have seen.
pub(crate) fn initial_version() -> u64 {
    version_now()
}

impl<C> MemberList<C> {
    /// Creates an empty list.
    pub(crate) fn starting_at(version: u64) -> Self {
        Self {
            version,
            entries: Vec::new(),
        }
    }

    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn entries(&self) -> &[MemberEntry<C>] {
        &self.entries
    }

    pub(crate) fn entry(&self, id: &NodeId) -> Option<&MemberEntry<C>> {
        self.entries.get(self.position(id).ok()?)
    }

    /// Returns the member's entry, if it still has this generation.
    pub(crate) fn entry_of(&self, id: &NodeId, generation: u64) -> Option<&MemberEntry<C>> {
        self.entry(id)
            .filter(|entry| entry.member.generation == generation)
    }

    /// Adds a member and returns the entry that it replaces.
    ///
    /// The new version is greater than `above`; it is the generation of the entry. An
    /// entry of an earlier incarnation is replaced, and so is one of the same incarnation.
    pub(crate) fn join(
        &mut self,
        identity: Identity,
        connection: C,
        above: u64,
    ) -> Result<Option<MemberEntry<C>>, IdConflict> {
        let position = self.position(&identity.id);
        if let Ok(at) = position {
            let holder = &self.entries[at].member;
            // An equal incarnation is the same process, which has lost its connection.
            if holder.incarnation > identity.incarnation {
                return Err(IdConflict {
                    id: identity.id,
                    holder_incarnation: holder.incarnation,
                    own_incarnation: identity.incarnation,
                });
            }
        }
        // Before the entry is made: its generation exceeds every earlier version, so no
        // two connections of a cluster ever share one.
        self.bump_version(above);
        let entry = MemberEntry {
            member: identity.into_member(self.version),
            connection,
        };
        match position {
            Ok(at) => Ok(Some(std::mem::replace(&mut self.entries[at], entry))),
            Err(at) => {
                self.entries.insert(at, entry);
                Ok(None)
            }
        }
    }

    /// Removes and returns the entries for which `leaves` holds. If there are any, the
    /// version grows above `above`.
    pub(crate) fn remove(
        &mut self,
        above: u64,
        leaves: impl Fn(&MemberEntry<C>) -> bool,
    ) -> Vec<MemberEntry<C>> {
        let removed: Vec<_> = self.entries.extract_if(.., |entry| leaves(entry)).collect();
        if !removed.is_empty() {
            self.bump_version(above);
        }
        removed
    }

    /// Keeps the entries for which `is_kept` holds. The version stays, so it must be called
    /// before any view is made.
    pub(crate) fn retain(&mut self, is_kept: impl FnMut(&MemberEntry<C>) -> bool) {
        self.entries.retain(is_kept);
    }

    /// Raises the version above the current one and above `above`.
    pub(crate) fn bump_version(&mut self, above: u64) {
        self.version = self.version.max(above) + 1;
    }

    /// Restores the order of entries that another process wrote, with one entry per id.
    pub(crate) fn sort(&mut self) {
        self.entries.sort_by(|a, b| a.member.id.cmp(&b.member.id));
        self.entries.dedup_by(|a, b| a.member.id == b.member.id);
    }

    /// Returns the view of a connected member.
    pub(crate) fn view(&self) -> View {
        View {
            version: self.version,
            members: self
                .entries
                .iter()
                .map(|entry| entry.member.clone())
                .collect(),
            connected: true,
        }
    }

    fn position(&self, id: &NodeId) -> Result<usize, usize> {
        // The entries are ordered by id, as views are.
        self.entries
            .binary_search_by(|entry| entry.member.id.cmp(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_incarnation_is_rejected_and_later_one_replaces_the_entry() {
        let mut list = MemberList::starting_at(0);
        list.join(Identity::of_node("a", 5), "first", 0).unwrap();
        assert!(list.join(Identity::of_node("a", 4), "earlier", 0).is_err());
        let replaced = list.join(Identity::of_node("a", 6), "second", 0).unwrap();
        assert_eq!(replaced.unwrap().connection, "first");
        let id = "a".parse().unwrap();
        assert!(list.entry_of(&id, 1).is_none());
        assert_eq!(list.entry_of(&id, 2).unwrap().connection, "second");
    }

    #[test]
    fn version_grows_above_versions_seen_elsewhere() {
        let mut list = MemberList::starting_at(0);
        list.join(Identity::of_node("a", 1), (), 41).unwrap();
        assert_eq!(list.version(), 42);
        assert!(list.remove(99, |_| false).is_empty());
        assert_eq!(list.version(), 42);
        assert_eq!(list.remove(99, |_| true).len(), 1);
        assert_eq!(list.version(), 100);
    }
}
