//! Tests of membership: which nodes are backends, and for how long.

use super::cluster::{SimCluster, with_policy};
use crate::{
    backplane::View,
    gateway::{GatewayPolicy, health::ProbeResult},
};

/// Nodes rejoin one by one after an outage of the backplane. Each stays a backend until its
/// time
/// to rejoin is over. A node that leaves later, or returns as a new incarnation, is removed.
#[test]
fn a_backplane_that_was_away_takes_no_node_with_it() {
    let mut cluster =
        SimCluster::new(1, with_policy(GatewayPolicy::LeastConn)).with_nodes(&[5, 5, 5]);
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
    cluster.apply_view(&cut_off);
    assert_eq!(cluster.gateways[0].next_rejoin_deadline(), None);
    cluster.apply_view(&only(&[]));
    assert_eq!(cluster.known_nodes(), ["n1", "n2", "n3"]);
    // The second leaves once it has come back.
    cluster.apply_view(&only(&["n1", "n2"]));
    cluster.apply_view(&only(&["n1"]));
    assert_eq!(cluster.known_nodes(), ["n1", "n3"]);
    let end = cluster.gateways[0].next_rejoin_deadline().unwrap();
    assert!(end > cluster.now);
    // Cut off again, it is waited for anew.
    cluster.apply_view(&cut_off);
    assert_eq!(cluster.gateways[0].next_rejoin_deadline(), None);
    cluster.now = end;
    cluster.apply_view(&only(&["n1"]));
    assert_eq!(cluster.known_nodes(), ["n1", "n3"]);
    cluster.now = cluster.gateways[0].next_rejoin_deadline().unwrap();
    cluster.apply_view(&only(&["n1"]));
    assert_eq!(cluster.known_nodes(), ["n1"]);
    assert_eq!(cluster.gateways[0].next_rejoin_deadline(), None);
}

/// The token `unavailable` is cancelled when a node goes down, and not before.
#[test]
fn who_waits_for_a_node_is_told_of_its_end() {
    let cluster = SimCluster::new(1, with_policy(GatewayPolicy::LeastConn)).with_nodes(&[5]);
    let fleet = &cluster.gateways[0];
    let id = "n1".parse().unwrap();
    let assigned = || fleet.pick_for_socket(&[], cluster.now).unwrap().unavailable;
    let first = assigned();
    fleet.record_probe_of(&id, ProbeResult::Failed);
    fleet.record_probe_of(&id, ProbeResult::NotReady);
    fleet.record_probe_of(&id, ProbeResult::Ready);
    assert!(!first.is_cancelled());
    fleet.record_probe_of(&id, ProbeResult::Refused);
    assert!(first.is_cancelled());
    fleet.record_probe_of(&id, ProbeResult::Ready);
    let second = assigned();
    assert!(!second.is_cancelled());
    cluster.apply_view(&View {
        members: Vec::new(),
        ..cluster.view()
    });
    assert!(second.is_cancelled());
}
