//! Tests of the distribution of requests.

use std::time::Duration;

use super::cluster::{SimCluster, with_policy};
use crate::gateway::{GatewayPolicy, config::GatewayConfig};

#[test]
fn new_node_gets_a_growing_part_of_the_requests() {
    let slow = |config: &mut GatewayConfig| {
        config.policy = GatewayPolicy::Random;
        config.slow_start = Duration::from_secs(10);
    };
    let mut cluster = SimCluster::new(1, slow).with_nodes(&[0, 0]);
    cluster.add_node("n3", 2, 0);
    cluster.publish_view();
    // Five standard deviations: 3,000 times a tenth of a third, then a third.
    let first = cluster.send_requests(3000)["n3"];
    assert!((50..=150).contains(&first), "{first}");
    cluster.now += Duration::from_secs(10);
    let then = cluster.send_requests(3000)["n3"];
    assert!((870..=1130).contains(&then), "{then}");
}

/// While traffic is low, no node has a request under way, so all are equal. A node with few
/// sockets must not get all requests.
#[test]
fn requests_are_independent_of_sockets() {
    for policy in GatewayPolicy::ALL {
        let cluster = SimCluster::new(1, with_policy(policy)).with_nodes(&[1000, 1000, 0]);
        let counts = cluster.send_requests(3000);
        for node in ["n1", "n2", "n3"] {
            assert!((870..=1130).contains(&counts[node]), "{policy}: {counts:?}");
        }
    }
}
