//! Whatever happens, in any order.

use proptest::prelude::*;

use super::cluster::{Cluster, with};
use crate::{
    gateway::{Policy, backend_load::SocketLease, backend_set::Assigned, health::Checked},
    id::NodeId,
};

/// What may happen to a fleet of four nodes.
#[derive(Debug, Clone)]
enum Step {
    Join(usize),
    Restart(usize),
    Leave(usize),
    Drain(usize),
    Check(usize, Checked),
    Arrive,
    Close(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let checks = prop_oneof![
        Just(Checked::Ready),
        Just(Checked::NotReady),
        Just(Checked::Failed),
        Just(Checked::Refused),
        Just(Checked::NotAsked),
    ];
    let step = prop_oneof![
        (0..4usize).prop_map(Step::Join),
        (0..4usize).prop_map(Step::Restart),
        (0..4usize).prop_map(Step::Leave),
        (0..4usize).prop_map(Step::Drain),
        (0..4usize, checks).prop_map(|(node, checked)| Step::Check(node, checked)),
        Just(Step::Arrive),
        Just(Step::Arrive),
        Just(Step::Arrive),
        (0..50usize).prop_map(Step::Close),
    ];
    prop::collection::vec(step, 0..150)
}

/// A socket and where it went.
struct Open {
    node: NodeId,
    epoch: u64,
    _lease: SocketLease,
}

proptest! {
    /// Whatever happens: nobody gets a socket who drains, is down or has left; and
    /// the counts of a life are the sockets that went to it, those of a life that is
    /// over apart.
    #[test]
    fn only_who_takes_sockets_gets_one(steps in steps(), policy in 0..4usize) {
        let mut cluster = Cluster::new(1, with(Policy::ALL[policy]));
        let mut epoch = 0;
        let mut open: Vec<Open> = Vec::new();
        for step in steps {
            let id = |node: usize| -> NodeId { format!("n{node}").parse().unwrap() };
            match step {
                Step::Join(node) if !cluster.nodes.contains_key(&id(node)) => {
                    epoch += 1;
                    cluster.put(id(node).as_str(), epoch, 0);
                    cluster.announce();
                }
                Step::Restart(node) if cluster.nodes.contains_key(&id(node)) => {
                    epoch += 1;
                    cluster.put(id(node).as_str(), epoch, 0);
                    cluster.announce();
                }
                Step::Leave(node) => {
                    cluster.nodes.remove(&id(node));
                    cluster.announce();
                }
                Step::Drain(node) => {
                    if let Some(node) = cluster.nodes.get_mut(&id(node)) {
                        node.accepts = false;
                    }
                    cluster.report();
                }
                Step::Check(node, checked) => cluster.gateways[0].check(&id(node), checked),
                Step::Arrive => {
                    if let Some(Assigned { upstream, lease, .. }) = cluster.gateways[0].assign(&[], cluster.now) {
                        let node = cluster.nodes.get_mut(&upstream.id);
                        prop_assert!(node.is_some(), "{} has left", upstream.id);
                        let node = node.unwrap();
                        prop_assert!(node.accepts, "{} drains", upstream.id);
                        prop_assert_eq!(node.epoch, upstream.epoch);
                        open.push(Open { node: upstream.id.clone(), epoch: upstream.epoch, _lease: lease });
                    }
                }
                Step::Close(at) if at < open.len() => drop(open.swap_remove(at)),
                Step::Join(_) | Step::Restart(_) | Step::Close(_) => {}
            }
            for figures in cluster.gateways[0].figures() {
                let of_node = open.iter().filter(|open| open.node == figures.id);
                let counts = cluster.gateways[0].counts()[&figures.id];
                prop_assert_eq!(counts.handshaking, of_node.clone().count() as u64);
                // The nodes here say that they have none.
                let of_life = of_node.filter(|open| open.epoch == figures.epoch).count();
                prop_assert_eq!(figures.load, Some(of_life as f64));
            }
        }
    }
}
