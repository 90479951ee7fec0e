//! The nodes of new sockets after events of known effect, and the counts of balancers.

use std::collections::BTreeMap;

use highwater_reports::{
    record::{
        SourceRole,
        names::{counter, gauge},
    },
    summary::{AfterEvent, Agreement, OpenedSockets, Summary},
};
use highwater_scenarios::plan::{BalancerKind, SystemSpec};

use crate::run::{TestRun, action, line, open_after};

/// Resident memory of the balancer per socket, in bytes.
const BALANCER_SLOPE: f64 = 4_000.0;

/// Creates a run in which n2 is killed at 10 s. Its 500 sockets end at once and reconnect to n1
/// from the second tenth on, 50 in each.
fn killed() -> TestRun {
    let mut run = TestRun::clean();
    run.add_event(10.0, action("kill-node", "n2"));
    run.add_conn_event(100, "lost", 500)
        .add_conn_event(101, "failed", 20);
    for bucket in 101..=110 {
        run.add_conn_event(bucket, "opened.n1", 50)
            .add_conn_event(bucket, "reconnected", 50);
    }
    run
}

fn after(run: &TestRun) -> AfterEvent {
    run.summary().balance.unwrap().per_event.remove(0)
}

fn about(found: Option<f64>, expected: f64) {
    let found = found.unwrap();
    assert!((found - expected).abs() < 1e-6, "{found} for {expected}");
}

fn by_node<const N: usize>(counts: [(&str, u64); N]) -> BTreeMap<String, u64> {
    counts.map(|(id, count)| (id.to_owned(), count)).into()
}

#[test]
fn reconnect_storm_of_known_size_is_measured() {
    let mut run = killed();
    run.add_count("w1", 10, counter::COMMANDS_TIMED_OUT, 3);
    run.add_count("w2", 11, counter::COMMANDS_FAILED, 2);
    run.add_count("w2", 13, counter::COMMANDS_REJECTED, 4);
    let storm = after(&run).storm.unwrap();
    assert_eq!((storm.lost, storm.back), (500, 500));
    // Half are back after five tenths of 50 sockets each, the first of which ends at 0.2 s.
    about(storm.t50_s, 0.6);
    about(storm.t95_s, 1.1);
    about(storm.t99_s, 1.1);
    // All ten tenths lie within one second.
    assert_eq!(storm.peak_handshakes_per_s, Some(500));
    assert_eq!(storm.failed_attempts, 20);
    assert_eq!(storm.commands_failed, Some(5), "until all were back");
}

#[test]
fn rejected_connect_is_not_a_failed_connect_to_the_dead_node() {
    let mut run = killed();
    run.add_conn_event(150, "failed", 5)
        .add_conn_event(150, "rejected", 5);
    let after_it = after(&run);
    assert_eq!(after_it.storm.unwrap().failed_attempts, 25);
    // The last attempt that counts failed in tenth 101, which ends at 10.2 s.
    about(after_it.detection.unwrap().failed_connects_after_s, 0.2);
    run.add_conn_event(150, "failed", 1);
    about(after(&run).detection.unwrap().failed_connects_after_s, 5.1);
}

#[test]
fn delayed_or_unanswered_connect_was_sent_to_the_hung_node() {
    let failed_for_s = |run: &TestRun| after(run).detection.unwrap().failed_connects_after_s;
    let mut run = killed();
    // A slow answer of the other node says nothing about the hung one.
    run.add_conn_event(160, "delayed.n1", 1);
    about(failed_for_s(&run), 0.2);
    run.add_conn_event(170, "delayed.n2", 1);
    about(failed_for_s(&run), 7.1);
    run.add_conn_event(240, "unanswered", 1);
    about(failed_for_s(&run), 14.1);
}

#[test]
fn sockets_that_never_reconnect_give_no_time() {
    let mut run = killed();
    run.add_conn_event(100, "lost", 100);
    let storm = after(&run).storm.unwrap();
    assert_eq!((storm.lost, storm.back), (600, 500));
    about(storm.t50_s, 0.7);
    // 95 % of 600 are 570, and 500 came back.
    assert_eq!((storm.t95_s, storm.t99_s), (None, None));
}

#[test]
fn sockets_lost_before_an_event_reconnect_first() {
    let mut run = killed();
    run.add_conn_event(100, "lost", 100);
    run.add_event(20.0, action("kill-node", "n1"));
    run.add_conn_event(200, "lost", 10);
    // The 100 that the first event left come back before the ten of the second one.
    run.add_conn_event(201, "reconnected", 100)
        .add_conn_event(202, "reconnected", 10);
    let per_event = run.summary().balance.unwrap().per_event;
    let storm = per_event[1].storm.as_ref().unwrap();
    assert_eq!((storm.lost, storm.back), (10, 10));
    about(storm.t50_s, 0.3);
}

#[test]
fn event_without_a_loss_has_no_storm() {
    let mut run = TestRun::clean();
    run.add_event(10.0, action("add-node", "n3"));
    run.add_conn_event(105, "opened.n3", 9);
    let after = after(&run);
    assert_eq!((after.storm, after.detection), (None, None));
    assert_eq!(after.herding, None, "nine sockets are too few");
}

#[test]
fn each_layer_has_its_detection_time() {
    let mut run = killed();
    run.add_count("w2", 13, counter::COMMANDS_REJECTED, 4);
    for second in 0..27 {
        let members = if second < 13 { 2.0 } else { 1.0 };
        let gauges = &mut run.line(SourceRole::Node, "n1", second).gauges;
        gauges.insert(gauge::BACKPLANE_MEMBERS.to_owned(), members);
        let up = if second < 12 { 1.0 } else { 0.0 };
        let gauges = [("balancer.node_up.n1", 1.0), ("balancer.node_up.n2", up)];
        let at = second as f64 + 0.9;
        run.intervals
            .push(line(SourceRole::Balancer, "b1", at, 0.0, &gauges));
    }
    let detection = after(&run).detection.unwrap();
    about(detection.clients_s, 0.1);
    about(detection.failed_connects_after_s, 0.2);
    // Samples show a state at their own instant, and rows of counters at the end of a second.
    about(detection.balancers_s, 2.9);
    about(detection.nodes_s, 3.999);
    about(detection.commands_s, 4.0);
    about(
        run.summary().balance.unwrap().longest_failed_connects_s,
        0.2,
    );
}

#[test]
fn layer_without_a_detection_or_a_report_has_no_time() {
    let mut run = killed();
    for second in 0..27 {
        let gauges = [("balancer.node_up.n2", 1.0)];
        let at = second as f64 + 0.9;
        run.intervals
            .push(line(SourceRole::Balancer, "b1", at, 0.0, &gauges));
    }
    let detection = after(&run).detection.unwrap();
    assert_eq!((detection.balancers_s, detection.nodes_s), (None, None));
    assert_eq!(detection.commands_s, Some(0.0), "no command failed");
}

#[test]
fn node_that_died_before_the_event_detects_nothing() {
    let mut run = killed();
    for second in 0..27 {
        let members = if second < 12 { 2.0 } else { 1.0 };
        let gauges = &mut run.line(SourceRole::Node, "n1", second).gauges;
        gauges.insert(gauge::BACKPLANE_MEMBERS.to_owned(), members);
        // n3 died at 6 s, so its last sample says nothing about n2.
        let gone = match second {
            0..6 => (gauge::BACKPLANE_MEMBERS, 3.0),
            _ => (gauge::UP, 0.0),
        };
        let at = second as f64 + 0.999;
        run.intervals
            .push(line(SourceRole::Node, "n3", at, 0.0, &[gone]));
    }
    about(after(&run).detection.unwrap().nodes_s, 2.999);
}

#[test]
fn new_sockets_are_counted_by_node_and_by_time() {
    let mut run = killed();
    // These belong to the next event.
    run.add_event(20.0, action("restart-node", "n2"));
    run.add_conn_event(200, "opened.n2", 12)
        .add_conn_event(200, "opened.n1", 4);
    let per_event = run.summary().balance.unwrap().per_event;
    let slice = |from_s, to_s, by_node| OpenedSockets {
        from_s,
        to_s,
        by_node,
    };
    // Tenths 101 to 109 lie in the first second after the event, tenth 110 in the next.
    assert_eq!(
        per_event[0].arrivals,
        [
            slice(0.0, 1.0, by_node([("n1", 450)])),
            slice(1.0, 2.0, by_node([("n1", 50)])),
        ]
    );
    assert_eq!(
        per_event[1].arrivals,
        [slice(0.0, 1.0, by_node([("n1", 4), ("n2", 12)]))]
    );
    let herding = per_event[1].herding.as_ref().unwrap();
    assert_eq!((herding.node.as_str(), herding.arrivals), ("n2", 16));
    assert_eq!((herding.share, herding.at_s), (0.75, 20.0));
    let whole = run.summary().balance.unwrap().herding.unwrap();
    assert_eq!((whole.node.as_str(), whole.share), ("n1", 1.0));
}

#[test]
fn balancing_ends_when_the_nodes_stay_balanced() {
    let mut run = TestRun::clean();
    run.add_event(10.0, action("add-node", "n2"));
    for (second, n1) in [(11, 700.0), (12, 600.0), (13, 510.0), (14, 530.0)] {
        for (node, sockets) in [("n1", n1), ("n2", 1_000.0 - n1)] {
            let gauges = &mut run.line(SourceRole::Node, node, second).gauges;
            gauges.insert(gauge::SOCKETS_OPEN.to_owned(), sockets);
        }
    }
    // At 14.999 s the fullest node holds 1.06 of the mean, so they are uneven again.
    about(after(&run).balanced_after_s, 5.999);
    about(run.summary().balance.unwrap().longest_balancing_s, 5.999);
    let evenness = after(&run).evenness.unwrap();
    assert_eq!((evenness.max_over_mean, evenness.jain), (1.0, 1.0));

    // From now on n1 stays the fuller one to the end.
    for second in 11..25 {
        let gauges = &mut run.line(SourceRole::Node, "n1", second).gauges;
        gauges.insert(gauge::SOCKETS_OPEN.to_owned(), 900.0);
    }
    assert_eq!(after(&run).balanced_after_s, None);
    assert_eq!(run.summary().balance.unwrap().longest_balancing_s, None);
}

#[test]
fn node_load_has_sockets_cpu_and_commands() {
    let mut run = TestRun::clean();
    for second in 5..25 {
        run.add_latency("commands.owner@n2", second as f64, &[40, 60]);
    }
    let nodes = run.summary().balance.unwrap().nodes;
    let ids: Vec<&str> = nodes.iter().map(|node| node.id.as_str()).collect();
    assert_eq!(ids, ["n1", "n2"]);
    assert_eq!((nodes[1].sockets, nodes[1].over_mean), (500, 1.0));
    about(nodes[1].cpu_cores, 0.2);
    assert_eq!(
        (nodes[0].commands_ms.count, nodes[1].commands_ms.count),
        (0, 40)
    );
}

#[test]
fn reconnect_time_is_a_distribution_of_the_run() {
    let mut run = killed();
    run.add_latency("reconnect", 10.0, &[100, 900]);
    let times = run.summary().sockets.reconnect_ms;
    assert_eq!(times.count, 2);
    assert!((times.max.unwrap() / 900.0 - 1.0).abs() < 1e-3, "{times:?}");
}

/// Creates a run in which a gateway forwards every socket and reports them.
fn forwarded() -> TestRun {
    let mut run = TestRun::clean();
    if let SystemSpec::Cluster(cluster) = &mut run.manifest.plan.system {
        cluster.balancer = BalancerKind::Gateway;
    }
    for second in 0..27 {
        let open = open_after(second) as f64;
        let gauges = [
            (gauge::BALANCER_SOCKETS, open),
            (gauge::BALANCER_PENDING, 3.0),
            ("balancer.sockets_by_node.n1", open / 2.0),
            ("balancer.sockets_by_node.n2", open / 2.0),
            (gauge::RSS, 5e6 + open * BALANCER_SLOPE),
            (gauge::OPEN_FILES, 10.0 + open * 2.0),
            (gauge::CPU, second as f64 * 0.02),
        ];
        let at = second as f64 + 0.999;
        run.intervals
            .push(line(SourceRole::Balancer, "b1", at, 0.0, &gauges));
    }
    run
}

#[test]
fn balancer_has_its_own_counts_and_its_cost() {
    let summary = forwarded().summary();
    let balancer = &summary.balancers[0];
    assert_eq!(balancer.process.id, "b1");
    assert_eq!(balancer.process.sockets_peak, Some(1_000));
    assert_eq!(balancer.process.sockets_at_end, Some(1_000));
    assert_eq!(balancer.pending_peak, Some(3));
    assert_eq!(
        balancer.sockets_by_node_at_end,
        Some(by_node([("n1", 500), ("n2", 500)]))
    );
    // 0.02 s of CPU time each second for 1,000 sockets.
    about(balancer.cpu_us_per_socket_s, 20.0);
    about(summary.cpu_cores.balancers, 0.02);
    let cost = &summary.cost_per_socket;
    let close = |found: Option<f64>, expected: f64| {
        assert!((found.unwrap() / expected - 1.0).abs() < 1e-6, "{found:?}");
    };
    close(cost.balancer_rss.map(|fit| fit.value), BALANCER_SLOPE);
    close(cost.balancer_open_files.map(|fit| fit.value), 2.0);
}

fn verdicts(summary: &Summary) -> Vec<(&str, Agreement)> {
    let lines = summary.ledger.iter();
    lines
        .filter(|line| line.what.ends_with("before the drain"))
        .map(|line| (line.what.as_str(), line.verdict))
        .collect()
}

#[test]
fn ledger_compares_a_balancer_with_both_ends() {
    let summary = forwarded().summary();
    assert_eq!(
        verdicts(&summary),
        [
            ("sockets before the drain", Agreement::Agrees),
            ("forwarded sockets before the drain", Agreement::Agrees),
            ("sockets of n1 before the drain", Agreement::Agrees),
            ("sockets of n2 before the drain", Agreement::Agrees),
        ]
    );
    assert_eq!(summary.problems, Vec::<String>::new());

    // One socket of n2 that the balancer does not know is one too many: nothing opens or ends.
    let mut run = forwarded();
    for second in 20..25 {
        let gauges = &mut run.line(SourceRole::Balancer, "b1", second).gauges;
        gauges.insert("balancer.sockets_by_node.n2".to_owned(), 499.0);
    }
    let summary = run.summary();
    assert_eq!(verdicts(&summary)[3].1, Agreement::Differs);
    let problem = "the ledger does not agree on sockets of n2 before the drain: balancers forwarded \
                499, it held 500 (at most 0 can be explained)";
    assert!(
        summary.problems.iter().any(|found| found == problem),
        "{:?}",
        summary.problems
    );
}

#[test]
fn balancer_that_counts_connections_may_count_those_of_commands() {
    let mut run = forwarded();
    if let SystemSpec::Cluster(cluster) = &mut run.manifest.plan.system {
        cluster.balancer = BalancerKind::Nginx;
    }
    // At most 100 commands in flight, two workers and one sampler.
    for (other, verdict) in [(103.0, Agreement::Agrees), (104.0, Agreement::Differs)] {
        for second in 20..25 {
            let gauges = &mut run.line(SourceRole::Balancer, "b1", second).gauges;
            gauges.insert(gauge::BALANCER_SOCKETS.to_owned(), 1_000.0 + other);
        }
        assert_eq!(verdicts(&run.summary())[0].1, verdict);
    }
}

#[test]
fn commands_in_flight_explain_no_more_than_there_were() {
    let mut run = forwarded();
    if let SystemSpec::Cluster(cluster) = &mut run.manifest.plan.system {
        cluster.balancer = BalancerKind::Haproxy;
    }
    for worker in ["w1", "w2"] {
        let gauges = &mut run.line(SourceRole::Worker, worker, 22).gauges;
        gauges.insert(gauge::COMMANDS_IN_FLIGHT.to_owned(), 3.0);
    }
    // Each worker had 3 in flight, sent 10 a second for two seconds, and holds one more
    // connection. One is the sampler's.
    let explained = 2 * (3 + 2 * 10 + 1) + 1;
    let ledger = run.summary().ledger;
    let line = ledger
        .iter()
        .find(|line| line.what.starts_with("sockets before"));
    assert_eq!(line.unwrap().unsure, explained);
}

#[test]
fn sockets_of_a_hung_node_are_unknown() {
    let mut run = forwarded();
    for second in 20..27 {
        run.line(SourceRole::Node, "n2", second).gauges = [(gauge::UP.to_owned(), 0.0)].into();
    }
    let summary = run.summary();
    let whole = summary.ledger.iter();
    let whole = whole.filter(|line| line.what.starts_with("forwarded sockets"));
    let whole: Vec<_> = whole.collect();
    assert_eq!(whole[0].verdict, Agreement::Unknown);
    assert!(whole[0].note.as_ref().unwrap().contains("n2"));
}
