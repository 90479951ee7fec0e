//! Pulls: requests for the connections of other nodes, and their answers.
//!
//! ```text
//! next_pull ──► request: slots, each with its digest ──► node
//!                                                         │ slots whose digest differs
//! finish_pull ◄── register ◄── apply_listing ◄────────────┘
//! ```

use std::collections::HashMap;

use super::DirectoryPartition;
use crate::{
    id::{DeviceId, NodeId},
    message::{Epoch, ListedSlot, PullRequest, digest},
};

/// A request for the connections of one node, and the round in which it was made.
pub(in crate::cluster) struct Pull {
    pub(in crate::cluster) request: PullRequest,
    pub(in crate::cluster) round: u32,
}

impl DirectoryPartition {
    /// Returns the nodes from which connections are to be pulled.
    pub(in crate::cluster) fn nodes_to_pull(&self) -> Vec<NodeId> {
        self.pulls.nodes()
    }

    /// Returns a request for the connections of a node that are to be pulled; `None` when
    /// all are known.
    pub(in crate::cluster) fn next_pull(&mut self, node: &NodeId) -> Option<Pull> {
        let slots = self.pulls.slots(node);
        if slots.is_empty() {
            return None;
        }
        let round = self.round;
        // What is written from here on is newer than the answer.
        self.round += 1;
        let with_digest = |slot| (slot, self.slot_digest(node, slot));
        let request = PullRequest {
            version: self.table.view.version,
            slots: slots.into_iter().map(with_digest).collect(),
            after: None,
        };
        Some(Pull { request, round })
    }

    fn slot_digest(&self, node: &NodeId, slot: u16) -> u64 {
        let entries = self.slots.get(&slot).map(|slot| slot.entries.iter());
        let entries = entries.into_iter().flatten();
        let own = entries.filter(|(_, entry)| entry.owner == *node);
        digest(own.map(|(device, entry)| (device, entry.epoch)))
    }

    /// Applies the listing of a slot by node `from`, for the devices after `after` and up to
    /// the last listed one if it `is_cut`. Removes its entries that are not listed, and
    /// returns the listed connections that are to be registered.
    pub(in crate::cluster) fn apply_listing(
        &mut self,
        from: &NodeId,
        listed: ListedSlot,
        range: (Option<&DeviceId>, bool),
        round: u32,
    ) -> Vec<(DeviceId, Epoch)> {
        let (after, is_cut) = range;
        let last = listed.connections.last().map(|(device, _)| device.clone());
        let until = last.filter(|_| is_cut);
        let connections: HashMap<DeviceId, Epoch> = listed.connections.into_iter().collect();
        let Some(slot) = self.slots.get_mut(&listed.slot) else {
            return connections.into_iter().collect();
        };
        slot.entries.retain(|device, entry| {
            let is_in_range = after.is_none_or(|after| device > after)
                && until.as_ref().is_none_or(|until| device <= until);
            // Later entries are of connections that the answer cannot list.
            if entry.owner != *from || entry.round > round || !is_in_range {
                return true;
            }
            match connections.get(device) {
                Some(epoch) => {
                    // The node knows its own connections best.
                    entry.epoch = *epoch;
                    true
                }
                None => false,
            }
        });
        connections.into_iter().collect()
    }

    /// Notes that all connections of a node in a slot are known.
    pub(in crate::cluster) fn finish_pull(&mut self, node: &NodeId, slot: u16, round: u32) {
        self.pulls.finish(node, slot, round);
        if self.pulls.is_complete(slot)
            && let Some(slot) = self.slots.get_mut(&slot)
        {
            slot.is_doubtful = false;
        }
    }
}
