//! The slots whose connections this node has yet to learn, by the node that has them.

use std::collections::BTreeMap;

use crate::id::NodeId;

/// The outstanding pulls. A further view adds its own and restarts none of the others.
#[derive(Debug, Default)]
pub(super) struct PullList {
    /// Each slot with the round in which it was added.
    nodes: BTreeMap<NodeId, BTreeMap<u16, u32>>,
}

impl PullList {
    pub(super) fn add(&mut self, node: &NodeId, slot: u16, round: u32) {
        let slots = self.nodes.entry(node.clone()).or_default();
        slots.insert(slot, round);
    }

    /// Removes a slot that has moved to another node.
    pub(super) fn remove_slot(&mut self, slot: u16) {
        self.nodes.retain(|_, slots| {
            slots.remove(&slot);
            !slots.is_empty()
        });
    }

    /// Removes the nodes for which `is_kept` does not hold.
    pub(super) fn retain_nodes(&mut self, is_kept: impl Fn(&NodeId) -> bool) {
        self.nodes.retain(|node, _| is_kept(node));
    }

    /// Notes that a slot of a node is known, unless it was added again after `round`.
    pub(super) fn finish(&mut self, node: &NodeId, slot: u16, round: u32) {
        if let Some(slots) = self.nodes.get_mut(node) {
            if slots.get(&slot).is_some_and(|added| *added <= round) {
                slots.remove(&slot);
            }
            if slots.is_empty() {
                self.nodes.remove(node);
            }
        }
    }

    /// Returns the slots of a node, those of the newest view first.
    pub(super) fn slots(&self, node: &NodeId) -> Vec<u16> {
        let slots = self.nodes.get(node).into_iter().flatten();
        let mut slots: Vec<(u32, u16)> = slots.map(|(slot, round)| (*round, *slot)).collect();
        slots.sort_unstable_by_key(|(round, slot)| (u32::MAX - round, *slot));
        slots.into_iter().map(|(_, slot)| slot).collect()
    }

    pub(super) fn nodes(&self) -> Vec<NodeId> {
        self.nodes.keys().cloned().collect()
    }

    /// Whether every node has listed its connections of the slot.
    pub(super) fn is_complete(&self, slot: u16) -> bool {
        !self.nodes.values().any(|slots| slots.contains_key(&slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::fixture::id;

    #[test]
    fn slots_of_the_newest_view_come_first_and_return_when_they_are_added_again() {
        let (node, mut list) = (id("a"), PullList::default());
        for (slot, round) in [(7, 1), (8, 1), (9, 2)] {
            list.add(&node, slot, round);
        }
        assert_eq!(list.slots(&node), [9, 7, 8]);
        list.add(&node, 7, 3);
        list.finish(&node, 7, 2);
        assert!(!list.is_complete(7), "added again since");
        for slot in [7, 8, 9] {
            list.finish(&node, slot, 3);
        }
        assert!(list.is_complete(7) && list.nodes().is_empty());
    }
}
