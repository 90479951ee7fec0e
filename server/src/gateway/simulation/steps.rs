//! Properties that hold under any order of steps.

use std::sync::Arc;

use proptest::prelude::*;

use super::cluster::{SimCluster, with_policy};
use crate::{
    gateway::{
        GatewayPolicy, backend_load::ConnectionGuard, health::ProbeResult, upstream::Upstream,
    },
    id::NodeId,
};

/// A step of a random history of four nodes.
#[derive(Debug, Clone)]
enum SimStep {
    /// A join, or a restart of a node that has joined.
    Start(usize),
    Leave(usize),
    Drain(usize),
    Check(usize, ProbeResult),
    OpenSocket,
    Close(usize),
}

fn steps() -> impl Strategy<Value = Vec<SimStep>> {
    use ProbeResult::{Failed, NotAttempted, NotReady, Ready, Refused};
    let checks = prop::sample::select(vec![Ready, NotReady, Failed, Refused, NotAttempted]);
    let step = prop_oneof![
        2 => (0..4usize).prop_map(SimStep::Start),
        1 => (0..4usize).prop_map(SimStep::Leave),
        1 => (0..4usize).prop_map(SimStep::Drain),
        1 => (0..4usize, checks).prop_map(|(node, checked)| SimStep::Check(node, checked)),
        3 => Just(SimStep::OpenSocket),
        1 => (0..50usize).prop_map(SimStep::Close),
    ];
    prop::collection::vec(step, 0..150)
}

proptest! {
    /// No node that drains, is down or has left gets a socket. The counts of an incarnation
    /// are its own sockets, without those of an ended incarnation.
    #[test]
    fn only_ready_nodes_get_sockets_and_counts_are_exact(steps in steps(), policy in 0..4usize) {
        let mut cluster = SimCluster::new(1, with_policy(GatewayPolicy::ALL[policy]));
        let mut incarnation = 0;
        let mut open: Vec<(Arc<Upstream>, ConnectionGuard)> = Vec::new();
        for step in steps {
            let id = |node: usize| -> NodeId { format!("n{node}").parse().unwrap() };
            match step {
                SimStep::Start(node) => {
                    incarnation += 1;
                    cluster.add_node(id(node).as_str(), incarnation, 0);
                    cluster.publish_view();
                }
                SimStep::Leave(node) => {
                    cluster.nodes.remove(&id(node));
                    cluster.publish_view();
                }
                SimStep::Drain(node) => {
                    if let Some(node) = cluster.nodes.get_mut(&id(node)) {
                        node.accepts_sockets = false;
                    }
                    cluster.send_reports();
                }
                SimStep::Check(node, checked) => {
                    cluster.gateways[0].record_probe_of(&id(node), checked);
                }
                SimStep::OpenSocket => {
                    if let Some(pick) = cluster.gateways[0].pick_for_socket(&[], cluster.now) {
                        let id = &pick.upstream.id;
                        let node = cluster.nodes.get(id);
                        prop_assert!(node.is_some(), "{id} has left");
                        let node = node.unwrap();
                        prop_assert!(node.accepts_sockets, "{id} drains");
                        prop_assert_eq!(node.incarnation, pick.upstream.incarnation);
                        open.push((pick.upstream, pick.guard));
                    }
                }
                SimStep::Close(at) if at < open.len() => drop(open.swap_remove(at)),
                SimStep::Close(_) => {}
            }
            let loads = cluster.gateways[0].loads_by_node();
            for status in cluster.gateways[0].statuses() {
                let of_node = open.iter().filter(|(upstream, _)| upstream.id == status.id);
                prop_assert_eq!(loads[&status.id].pending, of_node.clone().count() as u64);
                // The simulated nodes report no sockets, so the load is this gateway's own.
                let is_current = |upstream: &Upstream| upstream.incarnation == status.incarnation;
                let current = of_node.filter(|(upstream, _)| is_current(upstream));
                prop_assert_eq!(status.load, Some(current.count() as f64));
            }
        }
    }
}
