//! The partition of the owner directory that this node stores: the entries of the slots
//! that it owns.
//!
//! Every device has one entry on one node, so the directory's memory over the whole
//! cluster is O(sockets).
//!
//! A new view costs only what it moves. Slots that stay keep their entries. Entries of a node
//! that left stay for [`DEPARTED_GRACE`], because most such nodes return.
//!
//! ```text
//! view ──► set_slot_table ──► PullList ──► pulls ◄──► resync ◄──► other nodes
//!              │ slots that moved               │ listings
//!              ▼                                ▼
//! register, unregister ──────────────► slots: device ─► owner, epoch ◄── locate
//! ```
//!
//! A pull is a request to another node to list its connections of some slots. The partition notes
//! a pull for each slot that came to it, and for each slot that other nodes may have changed
//! while this node was away. [`pulls`] compares digests first, so that an unchanged slot is not
//! listed.

mod pulls;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

pub(super) use self::pulls::Pull;
use super::{
    device_map::DeviceMap, pull_list::PullList, slots::SlotTable, view_change::ViewChange,
};
use crate::{
    id::{DeviceId, NodeId},
    message::{DeviceLocation, Epoch, RegistrationResult, SLOTS, slot_of},
};

/// The time for which the entries of a node that left are kept. A node that returns in it
/// costs one digest for each slot owner instead of all its devices.
pub(super) const DEPARTED_GRACE: Duration = Duration::from_secs(60);

/// The entries of the slots that this node owns in the view of `table`.
pub(crate) struct DirectoryPartition {
    me: NodeId,
    table: Arc<SlotTable>,
    slots: HashMap<u16, PartitionSlot>,
    pulls: PullList,
    /// The number of tables and pull requests so far. It tells entries that are written
    /// after a request from those that its answer must list.
    round: u32,
    /// The nodes that left less than [`DEPARTED_GRACE`] ago.
    departed: BTreeMap<NodeId, DepartedNode>,
    /// The number of epochs that were issued in the present view.
    epochs_issued: u64,
}

#[derive(Default)]
struct PartitionSlot {
    entries: DeviceMap<DirectoryEntry>,
    /// Whether entries may be outdated until all pulls of the slot have ended: this node
    /// was away, and devices may have registered elsewhere.
    is_doubtful: bool,
}

struct DirectoryEntry {
    owner: NodeId,
    epoch: Epoch,
    /// The round in which it was written.
    round: u32,
}

struct DepartedNode {
    incarnation: u64,
    left_at: Instant,
}

/// A connection that a registration replaced.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ReplacedConnection {
    pub(crate) owner: NodeId,
    pub(crate) epoch: Epoch,
}

impl DirectoryPartition {
    pub(crate) fn new(me: NodeId, table: Arc<SlotTable>) -> Self {
        let mut partition = Self {
            me,
            table: Arc::new(SlotTable::new(Arc::default())),
            slots: HashMap::new(),
            pulls: PullList::default(),
            round: 0,
            departed: BTreeMap::new(),
            epochs_issued: 0,
        };
        partition.set_slot_table(table);
        partition
    }

    /// Returns the number of entries of members. Those of nodes that left do not count.
    pub(crate) fn len(&self) -> usize {
        if self.departed.is_empty() {
            // Every owner is a member. Metrics ask each second, so the entries are not walked.
            return self.slots.values().map(|slot| slot.entries.len()).sum();
        }
        let entries = self.slots.values().flat_map(|slot| slot.entries.values());
        entries.filter(|entry| self.is_member(&entry.owner)).count()
    }

    fn is_member(&self, node: &NodeId) -> bool {
        self.table.view.member(node).is_some()
    }

    /// Replaces the slot table by that of a new view. Drops the entries of slots that moved
    /// away, and notes pulls for slots that came and for entries that may be outdated.
    pub(crate) fn set_slot_table(&mut self, table: Arc<SlotTable>) {
        let before = std::mem::replace(&mut self.table, Arc::clone(&table));
        let change = ViewChange::between(&before.view, &table.view, &self.me);
        self.round += 1;
        self.note_departures(&change);
        self.pulls
            .retain_nodes(|node| table.view.member(node).is_some());
        let everyone: Vec<NodeId> = table.view.nodes().map(|node| node.id.clone()).collect();
        for slot in 0..SLOTS as u16 {
            if !table.owns_slot(&self.me, slot.into()) {
                self.slots.remove(&slot);
                self.pulls.remove_slot(slot);
                continue;
            }
            let has_come = !before.owns_slot(&self.me, slot.into());
            if change.is_interrupted
                && let Some(kept) = self.slots.get_mut(&slot)
            {
                kept.is_doubtful = true;
            }
            let sources = match has_come || change.is_interrupted {
                true => &everyone,
                false => &change.joined,
            };
            for node in sources {
                self.pulls.add(node, slot, self.round);
            }
        }
        // Counted per view, because an epoch starts with the version. Within one version the
        // count must not restart, or an old connection would look newer.
        if table.view.version > before.view.version {
            self.epochs_issued = 0;
        }
    }

    fn note_departures(&mut self, change: &ViewChange) {
        let left_at = Instant::now();
        for (node, incarnation) in &change.departed {
            let incarnation = *incarnation;
            let departed = DepartedNode {
                incarnation,
                left_at,
            };
            self.departed.insert(node.clone(), departed);
        }
        let mut restarted = change.restarted.clone();
        for node in &change.joined {
            if let Some(departed) = self.departed.remove(node)
                && let Some(member) = self.table.view.member(node)
                && member.incarnation != departed.incarnation
            {
                restarted.push(node.clone());
            }
        }
        self.drop_entries_of(&restarted);
    }

    /// Drops the entries of nodes that left [`DEPARTED_GRACE`] ago or earlier.
    pub(super) fn expire_departed(&mut self) {
        let expired = |departed: &DepartedNode| departed.left_at.elapsed() >= DEPARTED_GRACE;
        let gone = self.departed.extract_if(.., |_, node| expired(node));
        let gone: Vec<NodeId> = gone.map(|(node, _)| node).collect();
        self.drop_entries_of(&gone);
    }

    fn drop_entries_of(&mut self, nodes: &[NodeId]) {
        if nodes.is_empty() {
            return;
        }
        self.slots.retain(|_, slot| {
            slot.entries
                .retain(|_, entry| !nodes.contains(&entry.owner));
            !slot.entries.is_empty()
        });
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
        let entries = &mut self.slots.entry(slot_of(device)).or_default().entries;
        let existing = entries.get(device);
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
            round: self.round,
        };
        let replaced = entries
            .insert(device, entry)
            .filter(|old| old.owner != *from)
            .map(|old| ReplacedConnection {
                owner: old.owner,
                epoch: old.epoch,
            });
        (RegistrationResult::Accepted(epoch), replaced)
    }

    /// Removes the entry of a connection that ended. A newer connection keeps its entry.
    pub(crate) fn unregister(&mut self, from: &NodeId, device: &DeviceId, epoch: Epoch) {
        let number = slot_of(device);
        let Some(slot) = self.slots.get_mut(&number) else {
            return;
        };
        let entries = &mut slot.entries;
        let is_ended = |entry: &DirectoryEntry| entry.owner == *from && entry.epoch <= epoch;
        if entries.get(device).is_some_and(is_ended) {
            entries.remove(device);
            if entries.is_empty() {
                self.slots.remove(&number);
            }
        }
    }

    /// Whether there is an entry of the device, including that of a node that left.
    pub(crate) fn has_entry(&self, device: &DeviceId) -> bool {
        let slot = self.slots.get(&slot_of(device));
        slot.is_some_and(|slot| slot.entries.get(device).is_some())
    }

    /// Returns the owner of the device. Answers `NotConnected` only when the connections of
    /// every node in its slot are known.
    pub(crate) fn locate(&self, device: &DeviceId) -> DeviceLocation {
        if !self.table.is_slot_owner(&self.me, device) {
            return DeviceLocation::Unknown;
        }
        let number = slot_of(device);
        let is_complete = self.pulls.is_complete(number);
        let slot = self.slots.get(&number);
        let entry = slot
            .filter(|slot| is_complete || !slot.is_doubtful)
            .and_then(|slot| slot.entries.get(device))
            // A node that left may return, but takes no command now.
            .filter(|entry| self.is_member(&entry.owner));
        match entry {
            Some(entry) => DeviceLocation::OnNode {
                owner: entry.owner.clone(),
                epoch: entry.epoch,
            },
            None if is_complete => DeviceLocation::NotConnected,
            None => DeviceLocation::Unknown,
        }
    }
}

#[cfg(test)]
mod tests;
