//! Tasks that a process cannot work without.

use std::time::Duration;

use crate::{
    gateway::rig::{self, TestGateway},
    ground::TestBackplaneKind,
    rig::{TestNode, config, until},
};

#[tokio::test]
async fn node_of_which_a_task_panicked_is_not_ready_and_ends() {
    let ground = TestBackplaneKind::Local.ground();
    let mut config = config("n1");
    // Read for the load reports, which begin with the first gateway.
    config.heap_probe = Some(|| panic!("the test's own panic"));
    config.limits.drain_delay = Duration::from_secs(1);
    let node = TestNode::join_with(config, &ground).await;
    let _gateway = TestGateway::start(rig::config("g1", &ground));
    until("the node is not ready", async || {
        let answer = node.get("/readyz").await;
        answer.status == 503 && answer.text().contains("the task `load reports` panicked")
    })
    .await;
    let error = node.result().await.unwrap_err().to_string();
    assert_eq!(error, "the task `load reports` panicked");
}
