//! Nodes that share a backplane.

use highwater_server::NodeConfig;

use super::{TestNode, config, until};
use crate::ground::{Ground, TestBackplaneKind};

pub(crate) struct TestCluster {
    pub(crate) ground: Ground,
    pub(crate) nodes: Vec<TestNode>,
}

impl TestCluster {
    /// Starts nodes on the embedded broker.
    pub(crate) async fn start(count: usize) -> Self {
        Self::start_on(TestBackplaneKind::Local.ground(), count).await
    }

    pub(crate) async fn start_on(ground: Ground, count: usize) -> Self {
        Self::start_with(ground, count, |_| {}).await
    }

    pub(crate) async fn start_with(
        ground: Ground,
        count: usize,
        change: impl Fn(&mut NodeConfig),
    ) -> Self {
        let mut nodes = Vec::new();
        for number in 1..=count {
            let mut config = config(&format!("n{number}"));
            change(&mut config);
            nodes.push(TestNode::join_with(config, &ground).await);
        }
        let cluster = Self { ground, nodes };
        cluster.wait_for_members(count).await;
        cluster
    }

    /// Waits until every node sees `count` members.
    pub(crate) async fn wait_for_members(&self, count: usize) {
        for node in &self.nodes {
            until("the members are seen", async || {
                node.members().await.len() == count
            })
            .await;
        }
    }
}
