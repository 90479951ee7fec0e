//! Lists of operations on a cluster; after each list, what every node says of
//! every device must be what the operations left behind.

use std::collections::BTreeMap;

use tokio::task::JoinHandle;

use crate::{
    ground::{Kind, SHORT, on_every_backplane},
    rig::{Cluster, Device, Node, until},
};

on_every_backplane!(
    nodes_come_and_go,
    a_node_comes_back_under_its_name,
    devices_move_between_nodes,
    devices_move_while_the_members_change,
    the_broker_restarts_in_between,
);

enum Operation {
    /// Opens that many devices, numbered from the first, on a node.
    Open(&'static str, usize, usize),
    /// Closes the devices of those numbers.
    Close(usize, usize),
    Join(&'static str),
    Kill(&'static str),
    Drain(&'static str),
    RestartBroker,
}

use Operation::{Close, Drain, Join, Kill, Open, RestartBroker};

#[derive(Default)]
struct World {
    nodes: BTreeMap<&'static str, Node>,
    /// Number to owner and the task that is the device.
    devices: BTreeMap<usize, (&'static str, JoinHandle<()>)>,
}

async fn check(kind: Kind, operations: &[Operation]) {
    let mut ground = match operations.iter().any(|it| matches!(it, RestartBroker)) {
        true => kind.own_ground(),
        false => kind.ground().with_lease(SHORT),
    };
    let mut world = World::default();
    for operation in operations {
        match operation {
            Open(node, first, count) => world.open(node, *first, *count).await,
            Close(first, count) => {
                for number in *first..first + count {
                    // The device's task owns its socket.
                    if let Some((_, task)) = world.devices.remove(&number) {
                        task.abort();
                    }
                }
            }
            Join(id) => {
                world.nodes.insert(id, Node::join(id, &ground).await);
            }
            Kill(id) => {
                world.nodes.remove(id).unwrap().kill();
                world.devices.retain(|_, (owner, _)| owner != id);
            }
            Drain(id) => {
                let node = world.nodes.remove(id).unwrap();
                node.shutdown.cancel();
                node.ended().await;
                world.devices.retain(|_, (owner, _)| owner != id);
            }
            RestartBroker => {
                ground.kill().await;
                world.are_ready(503).await;
                ground.start_again().await;
                world.are_ready(200).await;
            }
        }
    }
    let cluster = Cluster {
        ground,
        nodes: std::mem::take(&mut world.nodes).into_values().collect(),
    };
    cluster.sees(cluster.nodes.len()).await;
    world.agrees_with(&cluster).await;
}

impl World {
    /// Waits until each node has seen what became of its broker.
    async fn are_ready(&self, status: u16) {
        for node in self.nodes.values() {
            until("the node has seen it", async || {
                node.get("/readyz").await.status == status
            })
            .await;
        }
    }

    async fn open(&mut self, node: &'static str, first: usize, count: usize) {
        for number in first..first + count {
            let device = Device::open(&self.nodes[node], &format!("d{number}")).await;
            self.devices.insert(number, (node, device.echo()));
        }
    }

    async fn agrees_with(&self, cluster: &Cluster) {
        for node in &cluster.nodes {
            for (number, (owner, _)) in &self.devices {
                let id = format!("d{number}");
                until("the owner is known", async || {
                    node.owner(&id).await.as_deref() == Some(owner)
                })
                .await;
                let answer = node.command(&id).await;
                assert_eq!(answer.status, 200, "{id}: {answer:?}");
                assert_eq!(answer.header("x-highwater-owner"), *owner);
            }
        }
        until("there is one entry for each device", async || {
            let mut entries = 0.0;
            for node in &cluster.nodes {
                entries += node.metric("highwater_directory_entries").await;
            }
            entries == self.devices.len() as f64
        })
        .await;
    }
}

async fn nodes_come_and_go(kind: Kind) {
    check(
        kind,
        &[
            Join("a"),
            Open("a", 0, 40),
            Join("b"),
            Open("b", 40, 40),
            Join("c"),
            Kill("b"),
        ],
    )
    .await;
    check(
        kind,
        &[
            Join("a"),
            Join("b"),
            Open("b", 0, 40),
            Drain("a"),
            Join("c"),
            Join("a"),
        ],
    )
    .await;
}

async fn a_node_comes_back_under_its_name(kind: Kind) {
    check(
        kind,
        &[
            Join("a"),
            Join("b"),
            Open("a", 0, 40),
            Open("b", 40, 40),
            Kill("b"),
            Join("b"),
            Open("b", 40, 40),
        ],
    )
    .await;
}

async fn devices_move_between_nodes(kind: Kind) {
    check(
        kind,
        &[
            Join("a"),
            Join("b"),
            Join("c"),
            Open("a", 0, 40),
            Open("b", 20, 40),
            Open("c", 10, 20),
            Close(0, 5),
            Open("a", 55, 5),
        ],
    )
    .await;
}

async fn devices_move_while_the_members_change(kind: Kind) {
    check(
        kind,
        &[
            Join("a"),
            Open("a", 0, 40),
            Join("b"),
            Open("b", 0, 20),
            Join("c"),
            Open("c", 10, 20),
            Kill("b"),
            Open("a", 5, 10),
        ],
    )
    .await;
}

async fn the_broker_restarts_in_between(kind: Kind) {
    check(
        kind,
        &[
            Join("a"),
            Join("b"),
            Open("a", 0, 40),
            RestartBroker,
            Join("c"),
            Open("c", 20, 40),
            RestartBroker,
            Close(0, 10),
        ],
    )
    .await;
}
