//! Whatever happens, in any order.

use proptest::prelude::*;

use super::cluster::{SimCluster, with_policy};
use crate::{
    gateway::{
        GatewayPolicy, backend_load::ConnectionGuard, backend_set::SocketPick, health::ProbeResult,
    },
    id::NodeId,
};

/// A step of a random history of four nodes.
#[derive(Debug, Clone)]
enum SimStep {
    Join(usize),
    Restart(usize),
    Leave(usize),
    Drain(usize),
    Check(usize, ProbeResult),
    OpenSocket,
    Close(usize),
}

fn steps() -> impl Strategy<Value = Vec<SimStep>> {
    let checks = prop_oneof![
        Just(ProbeResult::Ready),
        Just(ProbeResult::NotReady),
        Just(ProbeResult::Failed),
        Just(ProbeResult::Refused),
        Just(ProbeResult::NotAttempted),
    ];
    let step = prop_oneof![
        (0..4usize).prop_map(SimStep::Join),
        (0..4usize).prop_map(SimStep::Restart),
        (0..4usize).prop_map(SimStep::Leave),
        (0..4usize).prop_map(SimStep::Drain),
        (0..4usize, checks).prop_map(|(node, checked)| SimStep::Check(node, checked)),
        Just(SimStep::OpenSocket),
        Just(SimStep::OpenSocket),
        Just(SimStep::OpenSocket),
        (0..50usize).prop_map(SimStep::Close),
    ];
    prop::collection::vec(step, 0..150)
}

/// A socket and where it went.
struct SimSocket {
    node: NodeId,
    incarnation: u64,
    _guard: ConnectionGuard,
}

proptest! {
    /// No node that drains, is down or has left gets a socket. The counts of an incarnation
    /// are the
    /// sockets that went to it, and those of an ended incarnation are kept apart.
    #[test]
    fn only_who_takes_sockets_gets_one(steps in steps(), policy in 0..4usize) {
        let mut cluster = SimCluster::new(1, with_policy(GatewayPolicy::ALL[policy]));
        let mut epoch = 0;
        let mut open: Vec<SimSocket> = Vec::new();
        for step in steps {
            let id = |node: usize| -> NodeId { format!("n{node}").parse().unwrap() };
            match step {
                SimStep::Join(node) if !cluster.nodes.contains_key(&id(node)) => {
                    epoch += 1;
                    cluster.add_node(id(node).as_str(), epoch, 0);
                    cluster.publish_view();
                }
                SimStep::Restart(node) if cluster.nodes.contains_key(&id(node)) => {
                    epoch += 1;
                    cluster.add_node(id(node).as_str(), epoch, 0);
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
                SimStep::Check(node, checked) => cluster.gateways[0].record_probe_of(&id(node), checked),
                SimStep::OpenSocket => {
                    if let Some(SocketPick { upstream, guard, .. }) = cluster.gateways[0].pick_for_socket(&[], cluster.now) {
                        let node = cluster.nodes.get_mut(&upstream.id);
                        prop_assert!(node.is_some(), "{} has left", upstream.id);
                        let node = node.unwrap();
                        prop_assert!(node.accepts_sockets, "{} drains", upstream.id);
                        prop_assert_eq!(node.incarnation, upstream.incarnation);
                        open.push(SimSocket { node: upstream.id.clone(), incarnation: upstream.incarnation, _guard: guard });
                    }
                }
                SimStep::Close(at) if at < open.len() => drop(open.swap_remove(at)),
                SimStep::Join(_) | SimStep::Restart(_) | SimStep::Close(_) => {}
            }
            for figures in cluster.gateways[0].statuses() {
                let of_node = open.iter().filter(|open| open.node == figures.id);
                let counts = cluster.gateways[0].loads_by_node()[&figures.id];
                prop_assert_eq!(counts.pending, of_node.clone().count() as u64);
                // The nodes here say that they have none.
                let of_life = of_node.filter(|open| open.incarnation == figures.incarnation).count();
                prop_assert_eq!(figures.load, Some(of_life as f64));
            }
        }
    }
}
