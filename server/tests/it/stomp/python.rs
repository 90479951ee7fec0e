//! A client of others, `stomp.py`, over its WebSocket transport.

use std::{path::Path, process::Stdio, time::Duration};

use highwater_services::{ServiceError, python};
use tokio::{process::Command, time::timeout};

use crate::{ground::TestBackplaneKind, rig::TestCluster};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../xtask/stomp/client.py");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stomp_py_uses_two_nodes() {
    let interpreter = match python::STOMP_CLIENT.interpreter() {
        Ok(interpreter) => interpreter,
        Err(error @ ServiceError::Install { .. }) => {
            eprintln!("skipped: {error}");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let cluster = TestCluster::start_with(TestBackplaneKind::Local.ground(), 2, |config| {
        config.limits.publishes_per_s = u32::MAX;
        config.limits.stomp.heart_beat = Duration::from_secs(2);
    })
    .await;
    assert!(Path::new(SCRIPT).exists());
    let mut client = Command::new(interpreter);
    client.arg(SCRIPT);
    for node in &cluster.nodes {
        client.arg(node.address.to_string());
    }
    client.stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(Duration::from_secs(120), client.output()).await;
    let output = output.expect("the client timed out").unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
}
