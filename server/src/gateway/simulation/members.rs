//! Who belongs to the fleet, and for how long.

use super::cluster::{Cluster, with};
use crate::{
    backplane::View,
    gateway::{Policy, health::Checked},
};

/// After an outage of the backplane nodes come back to it one by one. Until each had
/// the time to, it is still there; who leaves after that, or comes back in another
/// life, is not spared.
#[test]
fn a_backplane_that_was_away_takes_no_node_with_it() {
    let mut cluster = Cluster::new(1, with(Policy::LeastConn)).with_nodes(&[5, 5, 5]);
    let whole = cluster.view();
    let cut_off = View {
        connected: false,
        ..whole.clone()
    };
    let only = |ids: &[&str]| View {
        members: {
            let all = whole.members.iter().cloned();
            all.filter(|one| ids.contains(&one.id.as_str())).collect()
        },
        ..whole.clone()
    };
    cluster.show(&cut_off);
    assert_eq!(cluster.gateways[0].awaits_until(), None);
    cluster.show(&only(&[]));
    assert_eq!(cluster.known(), ["n1", "n2", "n3"]);
    // The second leaves once it has come back.
    cluster.show(&only(&["n1", "n2"]));
    cluster.show(&only(&["n1"]));
    assert_eq!(cluster.known(), ["n1", "n3"]);
    let end = cluster.gateways[0].awaits_until().unwrap();
    assert!(end > cluster.now);
    // Cut off again, it is waited for anew.
    cluster.show(&cut_off);
    assert_eq!(cluster.gateways[0].awaits_until(), None);
    cluster.now = end;
    cluster.show(&only(&["n1"]));
    assert_eq!(cluster.known(), ["n1", "n3"]);
    cluster.now = cluster.gateways[0].awaits_until().unwrap();
    cluster.show(&only(&["n1"]));
    assert_eq!(cluster.known(), ["n1"]);
    assert_eq!(cluster.gateways[0].awaits_until(), None);
}

/// Who waits for a node's answer is told when none is to be expected, and not before.
#[test]
fn who_waits_for_a_node_is_told_of_its_end() {
    let cluster = Cluster::new(1, with(Policy::LeastConn)).with_nodes(&[5]);
    let fleet = &cluster.gateways[0];
    let id = "n1".parse().unwrap();
    let assigned = || fleet.assign(&[], cluster.now).unwrap().fallen;
    let first = assigned();
    fleet.check(&id, Checked::Failed);
    fleet.check(&id, Checked::NotReady);
    fleet.check(&id, Checked::Ready);
    assert!(!first.is_cancelled());
    fleet.check(&id, Checked::Refused);
    assert!(first.is_cancelled());
    fleet.check(&id, Checked::Ready);
    let second = assigned();
    assert!(!second.is_cancelled());
    cluster.show(&View {
        members: Vec::new(),
        ..cluster.view()
    });
    assert!(second.is_cancelled());
}
