//! Tests of membership: which nodes are backends, and for how long.

use super::cluster::{SimCluster, with_policy};
use crate::{
    backplane::View,
    gateway::{GatewayPolicy, health::ProbeResult},
};

/// Nodes rejoin one by one after an outage of the backplane. Each stays a backend until its
/// time to rejoin is over. A node that rejoins and then leaves is removed at once.
#[test]
fn node_stays_until_its_rejoin_deadline_after_an_outage() {
    let mut cluster =
        SimCluster::new(1, with_policy(GatewayPolicy::LeastConn)).with_nodes(&[5, 5, 5]);
    let whole = cluster.view();
    let cut_off = View {
        connected: false,
        ..whole.clone()
    };
    let only = |ids: &[&str]| {
        let mut view = whole.clone();
        view.members
            .retain(|member| ids.contains(&member.id.as_str()));
        view
    };
    cluster.apply_view(&cut_off);
    assert_eq!(cluster.gateways[0].next_rejoin_deadline(), None);
    cluster.apply_view(&only(&[]));
    assert_eq!(cluster.known_nodes(), ["n1", "n2", "n3"]);
    // The second node rejoins and leaves.
    cluster.apply_view(&only(&["n1", "n2"]));
    cluster.apply_view(&only(&["n1"]));
    assert_eq!(cluster.known_nodes(), ["n1", "n3"]);
    let end = cluster.gateways[0].next_rejoin_deadline().unwrap();
    assert!(end > cluster.now);
    // A second outage begins a new deadline.
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

/// The earlier incarnation of such a member is removed as well.
#[test]
fn member_at_an_address_that_is_not_allowed_is_not_a_backend() {
    let cluster = SimCluster::new(1, with_policy(GatewayPolicy::LeastConn)).with_nodes(&[5, 5]);
    let mut view = cluster.view();
    view.version += 1;
    for (member, address) in view.members.iter_mut().zip(["169.254.169.254:80", "n2:2"]) {
        member.incarnation += 1;
        member.address = Some(address.to_owned());
    }
    cluster.apply_view(&view);
    assert_eq!(cluster.known_nodes(), ["n2"]);
}

/// The token `unavailable` is cancelled when a node goes down or leaves, and not before.
#[test]
fn unavailable_is_cancelled_when_the_node_goes_down() {
    let cluster = SimCluster::new(1, with_policy(GatewayPolicy::LeastConn)).with_nodes(&[5]);
    let backends = &cluster.gateways[0];
    let id = "n1".parse().unwrap();
    let pick = || backends.pick_for_socket(&[], cluster.now).unwrap();
    let first = pick().unavailable;
    backends.record_probe_of(&id, ProbeResult::Failed);
    backends.record_probe_of(&id, ProbeResult::NotReady);
    backends.record_probe_of(&id, ProbeResult::Ready);
    assert!(!first.is_cancelled());
    backends.record_probe_of(&id, ProbeResult::Refused);
    assert!(first.is_cancelled());
    backends.record_probe_of(&id, ProbeResult::Ready);
    let second = pick().unavailable;
    assert!(!second.is_cancelled());
    cluster.apply_view(&View {
        members: Vec::new(),
        ..cluster.view()
    });
    assert!(second.is_cancelled());
}
