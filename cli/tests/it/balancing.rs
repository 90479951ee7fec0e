//! Balancers in front of the nodes, real ones and our own: a new node gets sockets, the
//! record holds the configuration, and no process is left behind.

use std::path::Path;

use highwater_reports::record::Manifest;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::harness::{CliRun, FinishedRun, child_pids, eventually, is_running};

/// Returns two nodes with 200 sockets, a third that joins, and 150 sockets that come then.
fn scenario(cluster: &str) -> String {
    scenario_with(cluster, 4)
}

/// Returns the scenario with `late` devices that connect in that second.
///
/// Sockets survive the seconds in which a busy machine answers no heartbeat.
fn scenario_with(cluster: &str, late: u32) -> String {
    let duration = late + 5;
    format!(
        r#"
        name = "balanced"
        seed = 2
        duration = "{duration}s"
        [cluster]
        nodes = 2
        {cluster}
        [[devices]]
        name = "home"
        count = 200
        ramp = "200/s"
        heartbeat = "2s"
        max_missed = 10
        [[devices]]
        name = "late"
        start = "{late}s"
        count = 150
        ramp = "75/s"
        heartbeat = "2s"
        max_missed = 10
        [[commands]]
        name = "read"
        rate = "20/s"
        [[events]]
        at = "1s"
        do = "add-node"
        node = "n3"
        [[gates]]
        check = "sockets.open_at_end == 350"
        [[gates]]
        check = "commands.replied >= 90"
        [[gates]]
        check = "commands.lost == 0"
        "#
    )
}

/// Checks that the run holds its gates, n3 has sockets, and each balancer was seen with some.
fn check(cluster: &str, balancers: usize) -> FinishedRun {
    check_run(&scenario(cluster), balancers)
}

fn check_run(scenario: &str, balancers: usize) -> FinishedRun {
    let run = CliRun::run_to_end(scenario);
    run.assert_passed();
    let summary = run.summary();
    let third = summary.nodes.iter().find(|node| node.id == "n3");
    let third = third.and_then(|node| node.sockets_peak);
    assert!(third.is_some_and(|sockets| sockets > 0), "{third:?}");
    assert_eq!(summary.balancers.len(), balancers);
    for balancer in &summary.balancers {
        assert!(balancer.process.rss_peak.is_some_and(|bytes| bytes > 0));
        // By its own count, which may include commands in flight.
        let forwarded = balancer.process.sockets_peak.unwrap();
        assert!(forwarded as usize >= 350 / balancers, "{forwarded}");
        // Two for each socket of its share.
        let files = balancer.process.open_files_peak.unwrap();
        assert!(files as usize >= 2 * 350 / balancers, "{files}");
    }
    run
}

fn manifest(run: &FinishedRun) -> Manifest {
    let text = std::fs::read(run.record.join("manifest.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// Returns the changes that balancers received during the run.
fn balancer_changes(run: &FinishedRun) -> Vec<String> {
    balancer_changes_in(&run.record)
}

/// Returns those changes from the record of a run that may still go on.
fn balancer_changes_in(record: &Path) -> Vec<String> {
    let events = std::fs::read_to_string(record.join("events.jsonl")).unwrap_or_default();
    let events = events
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events
        .filter(|event| event["kind"] == "balancer_reconfigured")
        .map(|event| event["text"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn nginx_learns_of_a_node_by_a_reload() {
    let run = check("balancer = \"nginx\"\npolicy = \"least-conn\"", 1);
    let manifest = manifest(&run);
    let used = manifest.balancer_configuration.unwrap();
    assert!(
        used.contains("least_conn;") && used.contains("# n2"),
        "{used}"
    );
    assert!(!used.contains("# n3"), "{used}");
    assert!(manifest.versions.contains_key("nginx"));
    let changes = balancer_changes(&run);
    assert!(
        changes.len() == 1 && changes[0].contains("# n3"),
        "{changes:?}"
    );
}

#[test]
fn nginx_finds_a_node_that_was_named_from_the_start() {
    let cluster = "balancer = \"nginx\"\njoin = \"predeclared\"\nbalancer_tls = true";
    // Not before: nginx leaves a node that did not answer alone for its `fail_timeout`.
    let run = check_run(&scenario_with(cluster, 11), 1);
    let used = manifest(&run).balancer_configuration.unwrap();
    assert!(
        used.contains("# n3") && used.contains("ssl_certificate "),
        "{used}"
    );
    assert_eq!(balancer_changes(&run), [""; 0]);
}

#[test]
fn haproxy_learns_of_a_node_in_each_way() {
    for (join, balancers) in [("reload", 1), ("runtime", 2), ("predeclared", 1)] {
        let tls = join == "reload";
        let cluster = format!(
            "balancer = \"haproxy\"\npolicy = \"p2c\"\njoin = \"{join}\"\n\
             balancers = {balancers}\nbalancer_tls = {tls}"
        );
        let run = check(&cluster, balancers);
        let manifest = manifest(&run);
        let used = manifest.balancer_configuration.unwrap();
        assert!(used.contains("balance random(2)"), "{used}");
        assert_eq!(used.contains("server n3 "), join == "predeclared", "{used}");
        assert!(manifest.versions.contains_key("haproxy"));
        let changes = balancer_changes(&run);
        match join {
            "reload" => assert!(changes.len() == 1 && changes[0].contains("server n3 ")),
            "runtime" => {
                let added = |text: &String| text.starts_with("add server nodes/n3 ");
                assert!(
                    changes.len() == balancers && changes.iter().all(added),
                    "{changes:?}"
                );
            }
            _ => assert_eq!(changes, [""; 0]),
        }
    }
}

#[test]
fn gateways_discover_a_node() {
    let cluster = "balancer = \"gateway\"\npolicy = \"least-conn\"\nbalancers = 2\n\
                   balancer_tls = true";
    let run = check(cluster, 2);
    let used = manifest(&run).balancer_configuration.unwrap();
    assert!(used.contains("# b2\nhighwater serve gateway "), "{used}");
    assert!(used.contains("--policy least-conn"), "{used}");
    assert_eq!(balancer_changes(&run), [""; 0]);
    for balancer in run.summary().balancers {
        let by_node = balancer
            .sockets_by_node_at_end
            .expect("the gateway counts sockets by node");
        let sum: u64 = by_node.values().sum();
        assert_eq!(Some(sum), balancer.process.sockets_at_end, "{by_node:?}");
    }
}

#[test]
fn rebalance_moves_sockets_to_the_new_node() {
    let run = CliRun::run_to_end(
        r#"
        name = "rebalanced"
        duration = "14s"
        [cluster]
        nodes = 2
        balancer = "gateway"
        policy = "least-conn"
        [[devices]]
        name = "home"
        count = 300
        ramp = "300/s"
        heartbeat = "2s"
        [[events]]
        at = "1s"
        do = "add-node"
        node = "n3"
        [[events]]
        at = "4s"
        do = "rebalance"
        rate = "100/s"
        tolerance = "5%"
        [[gates]]
        check = "sockets.open_at_end == 300"
        [[gates]]
        check = "sockets.dropped == 0"
        [[gates]]
        check = "balance.max_over_mean_at_end <= 1.2"
        "#,
    );
    run.assert_passed();
    assert!(
        run.counted("disconnect.closed_1012") > 0,
        "some devices got a GoAway"
    );
}

#[test]
fn killed_run_leaves_no_process_of_a_balancer() {
    for balancer in ["nginx", "haproxy"] {
        let cluster = format!("balancer = \"{balancer}\"");
        let long = scenario(&cluster).replace("9s", "10m");
        let run = CliRun::start(&long);
        let record = run.record();
        eventually("a reload", || {
            (!balancer_changes_in(&record).is_empty()).then_some(())
        });
        let masters = run.children(balancer);
        let workers: Vec<_> = masters.iter().copied().flat_map(child_pids).collect();
        // The worker from before the reload lives until its sockets end.
        assert!(workers.len() >= 2, "{balancer}: {masters:?}");
        run.signal(Signal::SIGKILL);
        for process in masters.into_iter().chain(workers) {
            eventually("the end of every process", || {
                (!is_running(process)).then_some(())
            });
        }
    }
}
