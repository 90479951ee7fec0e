//! The partition of the owner directory that this node stores: the entries of the slots
//! that it owns.
//!
//! Every device has one entry on one node, so the directory's memory over the whole
//! cluster is O(sockets).

use std::{collections::HashMap, sync::Arc};

use super::slots::SlotTable;
use crate::{
    id::{DeviceId, NodeId},
    message::{DeviceLocation, Epoch, RegistrationResult},
};

/// Tables of up to this many entries never shrink.
const MIN_SHRINK_CAPACITY: usize = 1024;

/// The entries by device, for the view of `table`.
pub(crate) struct DirectoryPartition {
    me: NodeId,
    table: Arc<SlotTable>,
    entries: HashMap<DeviceId, DirectoryEntry>,
    /// The last view version in which each node registered all its devices.
    synced_versions: HashMap<NodeId, u64>,
    /// Epochs issued in the present view.
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

    /// Returns the number of entries.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Changes to the slot table of a new view. Entries of owners that left or rejoined,
    /// and of slots that moved away, are dropped; owners that are members register their
    /// devices again. If this node rejoined, it cannot know which updates it missed, and
    /// starts empty.
    pub(crate) fn set_slot_table(&mut self, table: Arc<SlotTable>) {
        let generation =
            |table: &SlotTable, id: &NodeId| table.view.member(id).map(|member| member.generation);
        let stayed = |id: &NodeId| {
            let now = generation(&table, id);
            now.is_some() && now == generation(&self.table, id)
        };
        if stayed(&self.me) {
            self.entries.retain(|device, entry| {
                table.is_slot_owner(&self.me, device) && stayed(&entry.owner)
            });
            self.synced_versions.retain(|node, _| stayed(node));
        } else {
            self.entries.clear();
            self.synced_versions.clear();
        }
        // A change of members moves many slots away at once: their memory is given back.
        self.entries.shrink_to(self.entries.len() * 2);
        // Counted per view, because an epoch starts with the version. Within one version the
        // count must not restart, or an old connection would look newer.
        if table.view.version > self.table.view.version {
            self.epochs_issued = 0;
        }
        self.table = table;
    }

    /// Registers that a device is connected to node `from`. A connection without a `known`
    /// epoch is new and wins; with one, the greater epoch wins.
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
                // The same owner has a newer connection: its epoch is the answer.
                if entry.owner != *from {
                    return (RegistrationResult::Superseded, None);
                }
                entry.epoch
            }
            (Some(known), _) => known,
            (None, existing) => {
                self.epochs_issued += 1;
                let fresh = Epoch::new(view.version, self.epochs_issued);
                // Above the known one, even if that was issued in a later view.
                existing.map_or(fresh, |entry| fresh.max(entry.epoch.next()))
            }
        };
        let entry = DirectoryEntry {
            owner: from.clone(),
            epoch,
        };
        let replaced = self
            .entries
            .insert(device.clone(), entry)
            .filter(|old| old.owner != *from)
            .map(|old| ReplacedConnection {
                owner: old.owner,
                epoch: old.epoch,
            });
        (RegistrationResult::Accepted(epoch), replaced)
    }

    /// Removes the entry of a connection that ended. A newer connection keeps its entry.
    pub(crate) fn unregister(&mut self, from: &NodeId, device: &DeviceId, epoch: Epoch) {
        let is_ended = |entry: &DirectoryEntry| entry.owner == *from && entry.epoch <= epoch;
        if self.entries.get(device).is_some_and(is_ended) {
            self.entries.remove(device);
            // Far below its capacity only, or entries that come and go would copy the table.
            if self.entries.capacity() > MIN_SHRINK_CAPACITY
                && self.entries.len() < self.entries.capacity() / 4
            {
                self.entries.shrink_to(self.entries.len() * 2);
            }
        }
    }

    /// Notes that a node has registered all its devices in the view of that version.
    pub(crate) fn mark_synced(&mut self, from: &NodeId, version: u64) {
        self.synced_versions.insert(from.clone(), version);
    }

    /// Returns the owner of the device. Answers `NotConnected` only when every node has
    /// registered its devices in this view.
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
    use crate::cluster::fixture::{id, view};

    fn table(version: u64, nodes: &[(&str, u64)]) -> Arc<SlotTable> {
        Arc::new(SlotTable::new(view(version, nodes)))
    }

    /// Returns a device whose slot owner is `a` in a cluster of `a` and `b`.
    fn device() -> DeviceId {
        let table = table(1, &[("a", 1), ("b", 1)]);
        (0..)
            .map(|n| format!("d{n}").parse().unwrap())
            .find(|device| table.is_slot_owner(&id("a"), device))
            .unwrap()
    }

    fn partition() -> DirectoryPartition {
        DirectoryPartition::new(id("a"), table(2, &[("a", 1), ("b", 2)]))
    }

    /// Registers the device at a node under `known`. Returns its epoch and the connection
    /// that it replaced.
    fn register(
        partition: &mut DirectoryPartition,
        node: &str,
        known: Option<Epoch>,
    ) -> (Epoch, Option<ReplacedConnection>) {
        match partition.register(&id(node), &device(), known) {
            (RegistrationResult::Accepted(epoch), replaced) => (epoch, replaced),
            other => panic!("{other:?}"),
        }
    }

    fn on_node(owner: &str, epoch: Epoch) -> DeviceLocation {
        let owner = id(owner);
        DeviceLocation::OnNode { owner, epoch }
    }

    #[test]
    fn newest_connection_wins_and_replaced_one_is_returned() {
        let mut partition = partition();
        let (first, _) = register(&mut partition, "a", None);
        let (second, replaced) = register(&mut partition, "b", None);
        let (owner, epoch) = (id("a"), first);
        assert_eq!(replaced, Some(ReplacedConnection { owner, epoch }));
        assert!(second > first);
        partition.unregister(&id("a"), &device(), first);
        assert_eq!(partition.locate(&device()), on_node("b", second));
    }

    #[test]
    fn older_connection_that_registers_again_is_superseded() {
        let mut partition = partition();
        let (new, _) = register(&mut partition, "b", None);
        let answer = partition.register(&id("a"), &device(), Some(Epoch::new(1, 99)));
        assert_eq!(answer, (RegistrationResult::Superseded, None));
        assert_eq!(partition.locate(&device()), on_node("b", new));
    }

    #[test]
    fn device_is_not_connected_only_when_all_nodes_are_synced() {
        let (mut partition, device) = (partition(), device());
        assert_eq!(partition.locate(&device), DeviceLocation::Unknown);
        partition.mark_synced(&id("a"), 2);
        partition.mark_synced(&id("b"), 1);
        assert_eq!(partition.locate(&device), DeviceLocation::Unknown);
        partition.mark_synced(&id("b"), 2);
        assert_eq!(partition.locate(&device), DeviceLocation::NotConnected);
    }

    #[test]
    fn entries_of_lost_or_rejoined_members_are_dropped() {
        for (change, nodes) in [
            ("owner left", vec![("a", 1)]),
            ("owner rejoined", vec![("a", 1), ("b", 4)]),
            ("slot owner rejoined", vec![("a", 4), ("b", 2)]),
        ] {
            let mut partition = partition();
            register(&mut partition, "b", None);
            partition.set_slot_table(table(4, &nodes));
            assert_eq!(partition.len(), 0, "{change}");
            assert_eq!(partition.locate(&device()), DeviceLocation::Unknown);
        }
    }
}
