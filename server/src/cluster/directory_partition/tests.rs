//! The partition of node `a`, with node `b` beside it.

use super::*;
use crate::{
    cluster::fixture::{id, view},
    message::{ListedSlot, digest},
};

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

/// Returns the number of entries, also those of nodes that left.
fn stored(partition: &DirectoryPartition) -> usize {
    let slots = partition.slots.values();
    slots.map(|slot| slot.entries.len()).sum()
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

/// Applies the answer of a node to all its pulls: its connections of the device's slot.
fn pull(partition: &mut DirectoryPartition, node: &str, connections: &[(DeviceId, Epoch)]) {
    while let Some(pull) = partition.next_pull(&id(node)) {
        let listed = ListedSlot {
            slot: slot_of(&device()),
            connections: connections.to_vec(),
        };
        for (device, epoch) in partition.apply_listing(&id(node), listed, (None, false), pull.round)
        {
            partition.register(&id(node), &device, Some(epoch));
        }
        for (slot, _) in pull.request.slots {
            partition.finish_pull(&id(node), slot, pull.round);
        }
    }
}

fn pulled() -> DirectoryPartition {
    let mut partition = partition();
    for node in ["a", "b"] {
        pull(&mut partition, node, &[]);
    }
    partition
}

#[test]
fn device_is_not_connected_only_when_all_nodes_are_known() {
    let (mut partition, device) = (partition(), device());
    assert_eq!(partition.locate(&device), DeviceLocation::Unknown);
    pull(&mut partition, "a", &[]);
    assert_eq!(partition.locate(&device), DeviceLocation::Unknown);
    pull(&mut partition, "b", &[]);
    assert_eq!(partition.locate(&device), DeviceLocation::NotConnected);
}

#[test]
fn view_that_moves_nothing_asks_nobody_and_keeps_everything() {
    let mut partition = pulled();
    let (epoch, _) = register(&mut partition, "b", None);
    let mut view = (*table(3, &[("a", 1), ("b", 2)]).view).clone();
    view.members.push(crate::backplane::Member {
        id: id("gateway"),
        role: crate::backplane::MemberRole::Gateway,
        ..view.members[0].clone()
    });
    partition.set_slot_table(Arc::new(SlotTable::new(Arc::new(view))));
    assert!(partition.nodes_to_pull().is_empty());
    assert_eq!(partition.locate(&device()), on_node("b", epoch));
}

#[test]
fn returned_node_is_asked_with_a_digest_and_keeps_its_entries() {
    let mut partition = pulled();
    let (epoch, _) = register(&mut partition, "b", None);
    partition.set_slot_table(table(3, &[("a", 1)]));
    assert_eq!(stored(&partition), 1, "kept for its return");
    // Its devices take no command meanwhile.
    assert_eq!(partition.locate(&device()), DeviceLocation::NotConnected);
    partition.set_slot_table(table(4, &[("a", 1), ("b", 4)]));
    assert_eq!(partition.locate(&device()), on_node("b", epoch));
    let pull = partition.next_pull(&id("b")).unwrap();
    let wanted = (slot_of(&device()), digest([(&device(), epoch)]));
    assert!(
        pull.request.slots.contains(&wanted),
        "the digest of its entry"
    );
    assert!(partition.next_pull(&id("a")).is_none());
}

#[test]
fn entries_that_are_not_listed_are_removed_unless_they_are_newer() {
    for (registered_before, remains) in [(true, 0), (false, 1)] {
        let mut partition = pulled();
        if registered_before {
            register(&mut partition, "b", None);
        }
        partition.set_slot_table(table(3, &[("a", 1), ("b", 3)]));
        let pull = partition.next_pull(&id("b")).unwrap();
        if !registered_before {
            register(&mut partition, "b", None);
        }
        let listed = ListedSlot {
            slot: slot_of(&device()),
            connections: Vec::new(),
        };
        let listed = partition.apply_listing(&id("b"), listed, (None, false), pull.round);
        assert!(listed.is_empty());
        assert_eq!(stored(&partition), remains);
    }
}

#[test]
fn node_that_was_away_trusts_its_entries_after_all_nodes_were_asked() {
    let mut partition = pulled();
    let (epoch, _) = register(&mut partition, "b", None);
    partition.set_slot_table(table(4, &[("a", 4), ("b", 2)]));
    assert_eq!(partition.locate(&device()), DeviceLocation::Unknown);
    pull(&mut partition, "a", &[]);
    pull(&mut partition, "b", &[(device(), epoch)]);
    assert_eq!(partition.locate(&device()), on_node("b", epoch));
}

#[tokio::test(start_paused = true)]
async fn entries_of_restarted_and_long_departed_nodes_are_dropped() {
    let mut restarted = pulled();
    register(&mut restarted, "b", None);
    let mut view = (*table(3, &[("a", 1), ("b", 3)]).view).clone();
    view.members[1].incarnation += 1;
    restarted.set_slot_table(Arc::new(SlotTable::new(Arc::new(view))));
    assert_eq!(stored(&restarted), 0);

    let mut departed = pulled();
    register(&mut departed, "b", None);
    departed.set_slot_table(table(3, &[("a", 1)]));
    tokio::time::advance(DEPARTED_GRACE - Duration::from_millis(1)).await;
    departed.expire_departed();
    assert_eq!(stored(&departed), 1);
    tokio::time::advance(Duration::from_millis(1)).await;
    departed.expire_departed();
    assert_eq!(stored(&departed), 0);
}
