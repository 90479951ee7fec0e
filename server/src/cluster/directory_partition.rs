//! The directory entries that this node keeps, for the slots it is home of.
//!
//! Every device has one entry on one node, so the directory's memory over the
//! whole cluster is O(sockets).

use std::{collections::HashMap, sync::Arc};

use super::slots::SlotTable;
use crate::{
    id::{DeviceId, NodeId},
    message::{DeviceLocation, Epoch, RegistrationResult},
};

/// Tables of up to this many entries are left alone when entries go.
const MIN_SHRINK_CAPACITY: usize = 1024;

/// Entries by device, for the view of `table`.
pub(crate) struct DirectoryPartition {
    me: NodeId,
    table: Arc<SlotTable>,
    entries: HashMap<DeviceId, DirectoryEntry>,
    /// The last view version by which each node registered all its devices.
    synced_versions: HashMap<NodeId, u64>,
    epochs_issued: u64,
}

struct DirectoryEntry {
    owner: NodeId,
    epoch: Epoch,
}

/// A connection that a registration replaced.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ReplacedConnection {
    pub(crate) owner: NodeId,
    pub(crate) epoch: Epoch,
}

impl DirectoryPartition {
    pub(crate) fn new(me: NodeId, table: Arc<SlotTable>) -> Self {
        Self {
            me,
            table,
            entries: HashMap::new(),
            synced_versions: HashMap::new(),
            epochs_issued: 0,
        }
    }

    /// Devices kept here.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Goes over to a new view. Entries of owners that left, in whatever life, and
    /// of slots that moved away are dropped; those owners that are there register
    /// again. If this node was away itself, it cannot know what it missed and
    /// starts empty.
    pub(crate) fn set_slot_table(&mut self, table: Arc<SlotTable>) {
        let lives =
            |table: &SlotTable, id: &NodeId| table.view.member(id).map(|member| member.generation);
        let stays = |id: &NodeId| {
            let now = lives(&table, id);
            now.is_some() && now == lives(&self.table, id)
        };
        if stays(&self.me) {
            self.entries.retain(|device, entry| {
                table.is_slot_owner(&self.me, device) && stays(&entry.owner)
            });
            self.synced_versions.retain(|node, _| stays(node));
        } else {
            self.entries.clear();
            self.synced_versions.clear();
        }
        self.entries.shrink_to(self.entries.len() * 2);
        // Counted per view: an epoch begins with the version.
        if table.view.version > self.table.view.version {
            self.epochs_issued = 0;
        }
        self.table = table;
    }

    /// A node says that a device is connected to it. The newest connection wins.
    pub(crate) fn register(
        &mut self,
        from: &NodeId,
        device: &DeviceId,
        known: Option<Epoch>,
    ) -> (RegistrationResult, Option<ReplacedConnection>) {
        let view = &self.table.view;
        if !self.table.is_slot_owner(&self.me, device) || view.member(from).is_none() {
            return (RegistrationResult::NotSlotOwner, None);
        }
        let existing = self.entries.get(device);
        let epoch = match (known, existing) {
            (Some(known), Some(entry)) if entry.epoch > known => {
                if entry.owner != *from {
                    return (RegistrationResult::Superseded, None);
                }
                entry.epoch
            }
            (Some(known), _) => known,
            (None, existing) => {
                self.epochs_issued += 1;
                let fresh = Epoch::new(view.version, self.epochs_issued);
                existing.map_or(fresh, |entry| fresh.max(entry.epoch.next()))
            }
        };
        let entry = DirectoryEntry {
            owner: from.clone(),
            epoch,
        };
        let displaced = self
            .entries
            .insert(device.clone(), entry)
            .filter(|old| old.owner != *from)
            .map(|old| ReplacedConnection {
                owner: old.owner,
                epoch: old.epoch,
            });
        (RegistrationResult::Accepted(epoch), displaced)
    }

    /// A connection ended; a newer one of the device stays.
    pub(crate) fn unregister(&mut self, from: &NodeId, device: &DeviceId, epoch: Epoch) {
        let mine = |entry: &DirectoryEntry| entry.owner == *from && entry.epoch <= epoch;
        if self.entries.get(device).is_some_and(mine) {
            self.entries.remove(device);
            if self.entries.capacity() > MIN_SHRINK_CAPACITY
                && self.entries.len() < self.entries.capacity() / 4
            {
                self.entries.shrink_to(self.entries.len() * 2);
            }
        }
    }

    /// A node has registered all its devices by the view of that version.
    pub(crate) fn mark_synced(&mut self, from: &NodeId, version: u64) {
        self.synced_versions.insert(from.clone(), version);
    }

    /// Who owns the device. "Nowhere" is only said when every member has
    /// registered what it has.
    pub(crate) fn locate(&self, device: &DeviceId) -> DeviceLocation {
        if !self.table.is_slot_owner(&self.me, device) {
            return DeviceLocation::Unknown;
        }
        match self.entries.get(device) {
            Some(entry) => DeviceLocation::OnNode {
                owner: entry.owner.clone(),
                epoch: entry.epoch,
            },
            None if self.is_complete() => DeviceLocation::NotConnected,
            None => DeviceLocation::Unknown,
        }
    }

    fn is_complete(&self) -> bool {
        let view = &self.table.view;
        view.nodes()
            .all(|member| self.synced_versions.get(&member.id) == Some(&view.version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backplane::{Member, MemberRole, View};

    fn id(name: &str) -> NodeId {
        name.parse().unwrap()
    }

    /// Members as (name, joined), sorted by name.
    fn table(version: u64, members: &[(&str, u64)]) -> Arc<SlotTable> {
        let member = |(name, joined): &(&str, u64)| Member {
            id: id(name),
            incarnation: 1,
            generation: *joined,
            address: None,
            role: MemberRole::Node,
        };
        let members = members.iter().map(member).collect();
        Arc::new(SlotTable::new(Arc::new(View {
            version,
            members,
            connected: true,
        })))
    }

    /// A device whose home, in a cluster of `a` and `b`, is `a`.
    fn device() -> DeviceId {
        let table = table(1, &[("a", 1), ("b", 1)]);
        (0..)
            .map(|n| format!("d{n}").parse().unwrap())
            .find(|device| table.is_slot_owner(&id("a"), device))
            .unwrap()
    }

    fn accepted(verdict: (RegistrationResult, Option<ReplacedConnection>)) -> Epoch {
        match verdict.0 {
            RegistrationResult::Accepted(epoch) => epoch,
            other => panic!("{other:?}"),
        }
    }

    fn home() -> DirectoryPartition {
        DirectoryPartition::new(id("a"), table(2, &[("a", 1), ("b", 2)]))
    }

    #[test]
    fn the_newest_connection_wins_and_the_older_is_named() {
        let (mut home, device) = (home(), device());
        let first = accepted(home.register(&id("a"), &device, None));
        let (verdict, displaced) = home.register(&id("b"), &device, None);
        assert_eq!(
            displaced,
            Some(ReplacedConnection {
                owner: id("a"),
                epoch: first
            })
        );
        let RegistrationResult::Accepted(second) = verdict else {
            panic!("{verdict:?}")
        };
        assert!(second > first);
        home.unregister(&id("a"), &device, first);
        assert_eq!(
            home.locate(&device),
            DeviceLocation::OnNode {
                owner: id("b"),
                epoch: second
            }
        );
    }

    #[test]
    fn an_old_connection_that_registers_again_does_not_win() {
        let (mut home, device) = (home(), device());
        let new = accepted(home.register(&id("b"), &device, None));
        let (verdict, displaced) = home.register(&id("a"), &device, Some(Epoch::new(1, 99)));
        assert_eq!((verdict, displaced), (RegistrationResult::Superseded, None));
        assert_eq!(
            home.locate(&device),
            DeviceLocation::OnNode {
                owner: id("b"),
                epoch: new
            }
        );
    }

    #[test]
    fn nowhere_needs_everybodys_word() {
        let (mut home, device) = (home(), device());
        assert_eq!(home.locate(&device), DeviceLocation::Unknown);
        home.mark_synced(&id("a"), 2);
        home.mark_synced(&id("b"), 1);
        assert_eq!(home.locate(&device), DeviceLocation::Unknown);
        home.mark_synced(&id("b"), 2);
        assert_eq!(home.locate(&device), DeviceLocation::NotConnected);
    }

    #[test]
    fn a_dead_owner_takes_its_entries_with_it() {
        let (mut home, device) = (home(), device());
        home.register(&id("b"), &device, None);
        home.set_slot_table(table(3, &[("a", 1)]));
        assert_eq!(home.len(), 0);
    }

    #[test]
    fn an_owner_that_was_away_registers_afresh() {
        let (mut home, device) = (home(), device());
        home.register(&id("b"), &device, None);
        home.set_slot_table(table(4, &[("a", 1), ("b", 4)]));
        assert_eq!(home.len(), 0);
    }

    #[test]
    fn a_home_that_was_away_starts_empty() {
        let (mut home, device) = (home(), device());
        home.register(&id("b"), &device, None);
        home.set_slot_table(table(4, &[("a", 4), ("b", 2)]));
        assert_eq!(home.locate(&device), DeviceLocation::Unknown);
    }
}
