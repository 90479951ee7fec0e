//! Tests of the distribution of sockets.

use std::time::Duration;

use super::cluster::{SimCluster, with_policy};
use crate::gateway::{GatewayPolicy, LoadMetric, config::GatewayConfig};

/// Two nodes have a thousand sockets each, a third joins, and 2,400 more arrive at 200/s.
#[test]
fn third_node_fills_up_by_the_policy() {
    let table = [
        (GatewayPolicy::RoundRobin, 1, 1.20..=1.28),
        (GatewayPolicy::RoundRobin, 2, 1.20..=1.28),
        (GatewayPolicy::Random, 1, 1.20..=1.30),
        (GatewayPolicy::LeastConn, 1, 1.00..=1.01),
        (GatewayPolicy::LeastConn, 2, 1.00..=1.05),
        (GatewayPolicy::P2c, 1, 1.00..=1.04),
        (GatewayPolicy::P2c, 2, 1.00..=1.04),
        (GatewayPolicy::P2c, 4, 1.00..=1.04),
    ];
    for (policy, gateways, expected) in table {
        let mut cluster = SimCluster::new(gateways, with_policy(policy)).with_nodes(&[1000, 1000]);
        cluster.add_node("n3", 2, 0);
        cluster.publish_view();
        cluster.open_sockets(2400, 200);
        let found = cluster.max_over_mean();
        let sockets = cluster.sockets();
        assert!(
            expected.contains(&found),
            "{policy}, {gateways} gateways: {found} of {sockets:?}"
        );
    }
}

/// One of four nodes dies, and its thousand sockets reconnect to the others.
#[test]
fn sockets_of_a_dead_node_spread_evenly() {
    for (policy, gateways) in [
        (GatewayPolicy::LeastConn, 1),
        (GatewayPolicy::P2c, 1),
        (GatewayPolicy::P2c, 2),
    ] {
        let mut cluster = SimCluster::new(gateways, with_policy(policy)).with_nodes(&[1000; 4]);
        cluster.nodes.pop_first();
        cluster.publish_view();
        cluster.open_sockets(1000, 1000);
        let found = cluster.max_over_mean();
        assert!(found <= 1.02, "{policy}, {gateways} gateways: {found}");
    }
}

/// Four gateways know of each other's sockets only through reports, every quarter of a second.
/// Until the next report, least-conn sends a whole storm to the emptiest node, and two random
/// choices send only their share. Later reports even it out.
#[test]
fn gateways_herd_only_until_the_next_report() {
    for (policy, expected) in [
        (GatewayPolicy::LeastConn, 1500..=1500),
        // Half of 1,500, by five standard deviations.
        (GatewayPolicy::P2c, 653..=847),
    ] {
        let cold = |config: &mut GatewayConfig| {
            config.policy = policy;
            config.slow_start = Duration::ZERO;
        };
        let mut cluster = SimCluster::new(4, cold).with_nodes(&[1000, 1000, 1000, 0]);
        cluster.open_sockets(1500, 6000);
        let new_node = cluster.sockets()[3];
        assert!(expected.contains(&new_node), "{policy}: {new_node}");
        cluster.open_sockets(3000, 6000);
        let found = cluster.max_over_mean();
        assert!(found <= 1.03, "{policy}: {:?}", cluster.sockets());
    }
}

/// The counts of a restarted node begin at zero.
#[test]
fn restarted_node_begins_empty() {
    let mut cluster = SimCluster::new(2, with_policy(GatewayPolicy::P2c)).with_nodes(&[0; 3]);
    cluster.open_sockets(3000, 1000);
    let before = cluster.sockets()[0];
    cluster.add_node("n1", 2, 0);
    cluster.publish_view();
    for gateway in &cluster.gateways {
        let status = &gateway.statuses()[0];
        assert_eq!((status.incarnation, status.load), (2, Some(0.0)));
    }
    cluster.open_sockets(u32::try_from(before).unwrap() * 3, 200);
    assert!(cluster.max_over_mean() <= 1.04, "{:?}", cluster.sockets());
}

/// A new node gets a growing part of its share, and all of it once it is warm.
#[test]
fn slow_start_holds_the_least_loaded_node_back() {
    let slow = |config: &mut GatewayConfig| {
        config.policy = GatewayPolicy::LeastConn;
        config.slow_start = Duration::from_secs(10);
    };
    let mut cluster = SimCluster::new(1, slow).with_nodes(&[10_000, 10_000]);
    cluster.add_node("n3", 2, 0);
    cluster.publish_view();
    let mut shares = Vec::new();
    for _ in 0..12 {
        let before = cluster.sockets()[2];
        cluster.open_sockets(200, 200);
        shares.push(cluster.sockets()[2] - before);
    }
    assert!((5..=40).contains(&shares[0]), "{shares:?}");
    assert!((80..=130).contains(&shares[5]), "{shares:?}");
    assert_eq!(shares[11], 200, "{shares:?}");
}

/// The policy compares reported loads. If one node reports none, it compares sockets.
#[test]
fn custom_load_is_compared_while_all_nodes_report_one() {
    let custom = |config: &mut GatewayConfig| {
        config.policy = GatewayPolicy::LeastConn;
        config.load_metric = LoadMetric::Custom;
    };
    let mut cluster = SimCluster::new(1, custom).with_nodes(&[100, 100]);
    // A socket costs the first three times as much.
    let loads = |cluster: &mut SimCluster| {
        for (node, each) in cluster.nodes.values_mut().zip([3.0, 1.0]) {
            node.reported_load = Some(node.sockets as f64 * each);
        }
        cluster.send_reports();
    };
    for _ in 0..40 {
        loads(&mut cluster);
        cluster.open_sockets(10, 1000);
    }
    let sockets = cluster.sockets();
    assert!((140..=160).contains(&sockets[0]), "{sockets:?}");
    cluster.nodes.values_mut().next().unwrap().reported_load = None;
    cluster.send_reports();
    cluster.open_sockets(100, 1000);
    assert_eq!(
        cluster.sockets()[0],
        sockets[0] + 100,
        "by sockets it has the fewest"
    );
}
