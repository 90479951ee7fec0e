//! The node that stores a device's directory entry.
//!
//! Devices fall into a fixed number of slots. Each slot has an owner among the nodes,
//! chosen by rendezvous hashing (Thaler and Ravishankar, 1998): a node that joins or
//! leaves moves only its own share of the slots.

use std::sync::Arc;

use crate::{
    backplane::{Member, MemberRole, View},
    id::{DeviceId, NodeId},
    message::{SLOTS, hash, mix, slot_of},
};

/// The node that stores a device's directory entry, from the view of one node.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SlotOwner {
    Local,
    Remote(NodeId),
    /// This node has not joined yet.
    Unknown,
}

/// A view, and the owner of every slot in it.
pub(crate) struct SlotTable {
    pub(crate) view: Arc<View>,
    /// The owner of each slot, as an index into the view's members; empty in a view
    /// without nodes.
    owners: Box<[u16]>,
}

impl SlotTable {
    pub(crate) fn new(view: Arc<View>) -> Self {
        let seeds: Vec<(usize, u64)> = view
            .members
            .iter()
            .enumerate()
            // Gateways own no slots: they store nothing for the cluster.
            .filter(|(_, member)| member.role == MemberRole::Node)
            .map(|(at, member)| (at, hash(member.id.as_str())))
            .collect();
        let owner_of = |slot: usize| {
            let score = |seed: u64| mix(seed ^ mix(slot as u64));
            let (best, _) = seeds.iter().max_by_key(|(_, seed)| score(*seed))?;
            u16::try_from(*best).ok()
        };
        // Without nodes no slot has an owner, and the list stays empty.
        let owners = (0..SLOTS).map_while(owner_of).collect();
        Self { view, owners }
    }

    /// Returns the slot owner of a device; `None` before this node has joined.
    pub(crate) fn slot_owner(&self, device: &DeviceId) -> Option<&Member> {
        self.owner_of_slot(usize::from(slot_of(device)))
    }

    pub(crate) fn owner_of_slot(&self, slot: usize) -> Option<&Member> {
        self.view.members.get(usize::from(*self.owners.get(slot)?))
    }

    /// Whether `node` owns the slot of the device.
    pub(crate) fn is_slot_owner(&self, node: &NodeId, device: &DeviceId) -> bool {
        self.slot_owner(device)
            .is_some_and(|owner| owner.id == *node)
    }

    /// Whether `node` owns the slot.
    pub(crate) fn owns_slot(&self, node: &NodeId, slot: usize) -> bool {
        self.owner_of_slot(slot)
            .is_some_and(|owner| owner.id == *node)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cluster::fixture::view;

    fn table(names: &[String]) -> SlotTable {
        let nodes: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
        SlotTable::new(view(1, &nodes))
    }

    fn moved(after: &SlotTable, before: &SlotTable, slot: usize) -> bool {
        let owner = |table: &SlotTable| table.owner_of_slot(slot).map(|owner| owner.id.clone());
        owner(after) != owner(before)
    }

    fn names() -> impl Strategy<Value = Vec<String>> {
        prop::collection::hash_set("[a-z0-9]{1,12}", 2..12)
            .prop_map(|names| names.into_iter().collect())
    }

    #[test]
    fn empty_view_has_no_slot_owner() {
        assert!(table(&[]).slot_owner(&"d".parse().unwrap()).is_none());
    }

    #[test]
    fn gateway_owns_no_slot_and_moves_none() {
        let names = ["a", "b", "c"].map(str::to_owned);
        let nodes = table(&names);
        let mut view = (*nodes.view).clone();
        let gateway = Member {
            id: "aa".parse().unwrap(),
            role: MemberRole::Gateway,
            ..view.members[0].clone()
        };
        view.members.insert(1, gateway);
        let with_gateway = SlotTable::new(Arc::new(view));
        assert!((0..SLOTS).all(|slot| !moved(&with_gateway, &nodes, slot)));
    }

    proptest! {
        #[test]
        fn leaving_node_moves_only_its_own_slots(names in names()) {
            let before = table(&names);
            let after = table(&names[1..]);
            for slot in 0..SLOTS {
                let owner = &before.owner_of_slot(slot).unwrap().id;
                let moved = moved(&after, &before, slot);
                prop_assert_eq!(moved, owner.as_str() == names[0]);
            }
        }

        #[test]
        fn slots_are_spread_evenly(names in names()) {
            let table = table(&names);
            let mean = SLOTS as f64 / names.len() as f64;
            for name in &names {
                let owned = (0..SLOTS)
                    .filter(|slot| table.owner_of_slot(*slot).unwrap().id.as_str() == name)
                    .count() as f64;
                // Six standard deviations of a binomial share.
                prop_assert!((owned - mean).abs() < 6.0 * mean.sqrt(), "{} of {}", owned, mean);
            }
        }
    }
}
