//! Lists of operations on a cluster. After each list, every node must know of every device
//! what the model knows.

use std::collections::BTreeMap;

use tokio::task::JoinHandle;

use crate::{
    ground::{SHORT, TestBackplaneKind, on_every_backplane},
    rig::{TestCluster, TestDevice, TestNode, until},
};

on_every_backplane!(
    nodes_join_and_leave,
    node_rejoins_under_its_id,
    devices_move_between_nodes,
    devices_move_while_members_change,
    devices_survive_restarts_of_the_broker,
);

#[derive(PartialEq)]
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
    /// The owner and the task of each device, by the device's number.
    devices: BTreeMap<usize, (&'static str, JoinHandle<()>)>,
}

async fn check(kind: TestBackplaneKind, operations: &[Operation]) {
    // Other tests use the shared broker, so it must not restart.
    let mut ground = match operations.contains(&RestartBroker) {
        true => kind.own_ground(),
        false => kind.ground().with_lease(SHORT),
    };
    let mut model = ClusterModel::default();
    for operation in operations {
        match operation {
            Open(node, first, count) => model.open(node, *first, *count).await,
            Close(first, count) => {
                for number in *first..first + count {
                    // The device's task owns its socket.
                    if let Some((_, task)) = model.devices.remove(&number) {
                        task.abort();
                    }
                }
            }
            Join(id) => {
                model.nodes.insert(id, TestNode::join(id, &ground).await);
            }
            Kill(id) => {
                model.nodes.remove(id).unwrap().kill();
                // A device of the rig does not reconnect.
                model.devices.retain(|_, (owner, _)| owner != id);
            }
            Drain(id) => {
                let node = model.nodes.remove(id).unwrap();
                node.shutdown.cancel();
                node.wait_ended().await;
                model.devices.retain(|_, (owner, _)| owner != id);
            }
            RestartBroker => {
                ground.kill().await;
                model.wait_readiness(503).await;
                ground.start_again().await;
                model.wait_readiness(200).await;
            }
        }
    }
    let cluster = TestCluster {
        ground,
        nodes: std::mem::take(&mut model.nodes).into_values().collect(),
    };
    cluster.wait_for_members(cluster.nodes.len()).await;
    model.assert_agrees(&cluster).await;
}

impl ClusterModel {
    /// Waits until each node has noticed the end or the start of its broker.
    async fn wait_readiness(&self, status: u16) {
        for node in self.nodes.values() {
            until("the readiness changes", async || {
                node.get("/readyz").await.status == status
            })
            .await;
        }
    }

    async fn open(&mut self, node: &'static str, first: usize, count: usize) {
        for number in first..first + count {
            let device = TestDevice::open(&self.nodes[node], &format!("d{number}")).await;
            // Its reply proves later that a command finds the device.
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
        // Entries of moved and ended connections are removed after the operations.
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

async fn nodes_join_and_leave(kind: TestBackplaneKind) {
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

async fn node_rejoins_under_its_id(kind: TestBackplaneKind) {
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

async fn devices_move_while_members_change(kind: TestBackplaneKind) {
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

async fn devices_survive_restarts_of_the_broker(kind: TestBackplaneKind) {
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
