//! Lists of operations on a cluster; after each list, what every node says of
//! every device must be what the operations left behind.

use std::collections::BTreeMap;

use tokio::task::JoinHandle;

use crate::{
    ground::{SHORT, TestBackplaneKind, on_every_backplane},
    rig::{TestCluster, TestDevice, TestNode, until},
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
struct ClusterModel {
    nodes: BTreeMap<&'static str, TestNode>,
    /// Number to owner and the task that is the device.
    devices: BTreeMap<usize, (&'static str, JoinHandle<()>)>,
}

async fn check(kind: TestBackplaneKind, operations: &[Operation]) {
    let mut ground = match operations.iter().any(|it| matches!(it, RestartBroker)) {
        true => kind.own_ground(),
        false => kind.ground().with_lease(SHORT),
    };
    let mut world = ClusterModel::default();
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
                world.nodes.insert(id, TestNode::join(id, &ground).await);
            }
            Kill(id) => {
                world.nodes.remove(id).unwrap().kill();
                world.devices.retain(|_, (owner, _)| owner != id);
            }
            Drain(id) => {
                let node = world.nodes.remove(id).unwrap();
                node.shutdown.cancel();
                node.wait_ended().await;
                world.devices.retain(|_, (owner, _)| owner != id);
            }
            RestartBroker => {
                ground.kill().await;
                world.wait_readiness(503).await;
                ground.start_again().await;
                world.wait_readiness(200).await;
            }
        }
    }
    let cluster = TestCluster {
        ground,
        nodes: std::mem::take(&mut world.nodes).into_values().collect(),
    };
    cluster.wait_for_members(cluster.nodes.len()).await;
    world.assert_agrees(&cluster).await;
}

impl ClusterModel {
    /// Waits until each node has seen what became of its broker.
    async fn wait_readiness(&self, status: u16) {
        for node in self.nodes.values() {
            until("the node has seen it", async || {
                node.get("/readyz").await.status == status
            })
            .await;
        }
    }

    async fn open(&mut self, node: &'static str, first: usize, count: usize) {
        for number in first..first + count {
            let device = TestDevice::open(&self.nodes[node], &format!("d{number}")).await;
            self.devices.insert(number, (node, device.reply_to_all()));
        }
    }

    async fn assert_agrees(&self, cluster: &TestCluster) {
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

async fn nodes_come_and_go(kind: TestBackplaneKind) {
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

async fn a_node_comes_back_under_its_name(kind: TestBackplaneKind) {
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

async fn devices_move_between_nodes(kind: TestBackplaneKind) {
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

async fn devices_move_while_the_members_change(kind: TestBackplaneKind) {
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

async fn the_broker_restarts_in_between(kind: TestBackplaneKind) {
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
