//! Clusters joined by the embedded broker and by real ones: the outcomes of commands, and
//! the metrics of the broker.

use std::net::TcpListener;

use highwater_reports::summary::{Agreement, BrokerSummary};
use highwater_services::{NatsService, RabbitMqService, RedisOptions, RedisService, Service};

use crate::harness::{
    CliRun, FinishedRun, ask,
    checks::{
        assert_commands_replied, assert_gates_hold, assert_no_command_lost, commands, ledger_line,
        was_only_late,
    },
    eventually,
};

/// A cluster under commands, for a few seconds. Its devices tolerate 20 missed heartbeats,
/// so that no socket ends because the harness was late.
const STEADY: &str = r#"
    name = "joined"
    duration = "5s"
    [cluster]
    nodes = 2
    [[devices]]
    name = "home"
    count = 200
    ramp = "200/s"
    heartbeat = "2s"
    max_missed = 20
    [[commands]]
    name = "read"
    rate = "100/s"
    timeout = "10s"
    [[gates]]
    check = "sockets.open_at_end == 200"
    [[gates]]
    check = "sockets.dropped == 0"
    [[gates]]
    check = "commands.failed == 0"
    [[gates]]
    check = "commands.lost == 0"
    [[gates]]
    check = "commands.cross_node.count > 0"
    [[gates]]
    check = "backplane.sent_per_command > 0"
"#;

/// Runs the scenario with an external broker that is running already.
fn run_with_broker(service: &Service, scenario: &str) -> FinishedRun {
    let backplane = format!("cluster.backplane={}", service.url());
    let mut arguments = vec!["--set", &backplane];
    // Redis has no monitor: its own protocol answers with metrics.
    let monitor = service.monitor_url();
    let monitor = monitor.map(|address| format!("cluster.broker.monitor={address}"));
    if let Some(monitor) = &monitor {
        arguments.extend(["--set", monitor]);
    }
    CliRun::start_with(scenario, &arguments).finish()
}

/// Asserts that nothing was lost, and that the broker was measured, both its process
/// and its own metrics. Returns the measurement.
fn assert_clean_and_measured(run: &FinishedRun) -> BrokerSummary {
    let summary = run.summary();
    assert_gates_hold(&summary);
    assert_commands_replied(&summary);
    let commands = commands(&summary);
    let [broker] = &summary.brokers[..] else {
        panic!("one broker: {:?}", summary.brokers);
    };
    let process = &broker.process;
    assert!(process.rss_peak.unwrap() > 1_000_000, "{broker:?}");
    assert!(process.open_files_peak.unwrap() > 2, "{broker:?}");
    assert!(process.cpu_s.is_some(), "{broker:?}");
    assert_eq!(process.restarts, Some(0));
    let backplane = summary.backplane.as_ref().expect("nodes count messages");
    let sent = backplane.sent.unwrap();
    // A command that crosses nodes is two messages, there and back.
    let crossed = commands.cross_node_ms.count;
    assert!(sent >= 2 * crossed, "{backplane:?} {commands:?}");
    // Two for a command that crosses, and some for membership.
    assert!(backplane.sent_per_command.unwrap() < 4.0, "{backplane:?}");
    assert!(summary.cpu_cores.nodes.unwrap() > 0.0);
    assert!(summary.cpu_cores.broker.is_some());
    // The broker's own count must agree with what the nodes sent, unless samples came late.
    let through = ledger_line(&summary, "messages through the broker");
    assert!(through.right.count.is_some(), "{through:?}");
    let agrees = through.verdict == Agreement::Agrees;
    assert!(agrees || was_only_late(&summary), "{through:?}");
    broker.clone()
}

#[test]
fn cluster_over_redis_runs_clean() {
    let redis = RedisService::start(RedisOptions { persistent: false }).expect("Redis starts");
    let run = run_with_broker(&redis, STEADY);
    let broker = assert_clean_and_measured(&run);
    assert!(broker.process.heap_peak.unwrap() > 100_000, "{broker:?}");
    // Two nodes publish and listen, and the sampler asks.
    assert!(broker.clients_peak.unwrap() >= 3, "{broker:?}");
    assert!(broker.channels_peak.unwrap() >= 2, "{broker:?}");
    assert!(broker.messages_in.unwrap() > 300, "{broker:?}");
    assert!(broker.messages_in_per_s.unwrap() > 0.0, "{broker:?}");
    assert!(broker.bytes_in.unwrap() > 10_000, "{broker:?}");
    assert!(broker.bytes_out.unwrap() > 10_000, "{broker:?}");
    // Redis counts these from version 7.2 on.
    assert!(broker.slow_consumers.is_none_or(|cut_off| cut_off == 0));
    assert_eq!(broker.messages_out, None, "Redis does not count them");
}

#[test]
fn cluster_over_nats_runs_clean() {
    let nats = NatsService::start().expect("NATS starts");
    let run = run_with_broker(&nats, STEADY);
    let broker = assert_clean_and_measured(&run);
    assert!(broker.clients_peak.unwrap() >= 2, "{broker:?}");
    assert!(broker.channels_peak.unwrap() >= 4, "{broker:?}");
    for count in [
        broker.messages_in,
        broker.messages_out,
        broker.bytes_in,
        broker.bytes_out,
    ] {
        assert!(count.unwrap() > 300, "{broker:?}");
    }
    assert!(broker.messages_out_per_s.unwrap() > 0.0, "{broker:?}");
    assert_eq!(broker.slow_consumers, Some(0));
    assert_eq!(
        broker.process.heap_peak, None,
        "NATS does not report its heap"
    );
}

/// Both runs share one broker, because it takes longer to start than a run.
#[test]
fn clusters_over_rabbitmq_run_clean_and_survive_a_killed_node() {
    let rabbitmq = RabbitMqService::start().expect("RabbitMQ starts");
    let run = run_with_broker(&rabbitmq, STEADY);
    let broker = assert_clean_and_measured(&run);
    assert!(broker.process.heap_peak.unwrap() > 1_000_000, "{broker:?}");
    // Each node has a connection to publish and one to receive.
    assert!(broker.clients_peak.unwrap() >= 4, "{broker:?}");
    assert!(broker.channels_peak.unwrap() >= 2, "{broker:?}");
    assert!(broker.messages_in.unwrap() > 300, "{broker:?}");
    assert!(broker.messages_out.unwrap() > 300, "{broker:?}");
    assert_eq!(
        broker.bytes_in, None,
        "RabbitMQ counts bytes of open connections only"
    );
    assert_eq!(queues(&rabbitmq), [""; 0], "nothing is left there");

    assert_killed_node_leaves_with_its_lease(&rabbitmq);
    assert_eq!(queues(&rabbitmq), [""; 0], "nothing is left there");
}

/// Asserts that the devices are back long before the run ends. Otherwise
/// `balance.longest_recovery` is null, and its gate is open.
fn assert_killed_node_leaves_with_its_lease(rabbitmq: &Service) {
    let backplane = format!("cluster.backplane={}", rabbitmq.url());
    let run = CliRun::start_with(
        r#"
        name = "kill-of-three"
        duration = "20s"
        [cluster]
        nodes = 3
        [[devices]]
        name = "home"
        count = 300
        ramp = "300/s"
        heartbeat = "2s"
        max_missed = 20
        reconnect = { first = "500ms", max = "2s", jitter = "full" }
        [[commands]]
        name = "read"
        rate = "100/s"
        timeout = "5s"
        [[events]]
        at = "2s"
        do = "kill-node"
        node = "n3"
        [[gates]]
        check = "commands.lost == 0"
        [[gates]]
        check = "sockets.dropped == 100"    # those of the node that was killed
        [[gates]]
        check = "sockets.open_at_end == 300"
        [[gates]]
        check = "balance.longest_recovery <= 18s"
        "#,
        &["--set", &backplane],
    );
    let inboxes = || -> Vec<String> {
        let names = queues(rabbitmq).into_iter();
        let nodes = names.filter_map(|name| {
            let (_, inbox) = name.split_once(".inbox.")?;
            Some(inbox.split('-').next()?.to_owned())
        });
        nodes.collect()
    };
    run.wait_until_steady(0.0);
    let all = inboxes();
    for node in ["n1", "n2", "n3"] {
        assert!(all.iter().any(|inbox| inbox == node), "{all:?}");
    }
    eventually("the dead node's queue is gone", || {
        let left = inboxes();
        let reaped = !left.iter().any(|node| node == "n3");
        reaped.then(|| assert!(left.len() >= 2, "the others keep theirs: {left:?}"))
    });
    let summary = run.finish().summary();
    assert_gates_hold(&summary);
    was_only_late(&summary);
    let commands = commands(&summary);
    assert_no_command_lost(commands);
    // Two thirds of the devices keep their sockets, and all callers their node.
    assert!(commands.replied * 2 > commands.due, "{commands:?}");
}

/// Returns the names of all queues, from the management interface.
fn queues(rabbitmq: &Service) -> Vec<String> {
    let admin = rabbitmq.admin_url().expect("RabbitMQ has one");
    let (_, address) = admin.rsplit_once('@').expect("user and password");
    // The credentials are `guest:guest` in Base64.
    let request = format!(
        "GET /api/queues?columns=name HTTP/1.0\r\nHost: {address}\r\n\
         Authorization: Basic Z3Vlc3Q6Z3Vlc3Q=\r\n\r\n"
    );
    let answer = ask(address, &request);
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let listed: Vec<serde_json::Value> = serde_json::from_str(body).expect("a list");
    let names = listed.iter().filter_map(|queue| queue["name"].as_str());
    names.map(str::to_owned).collect()
}

#[test]
fn silent_broker_refuses_the_run_and_hides_its_password() {
    // The port was bound and closed again, so no process listens on it.
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr())
        .expect("a port")
        .port();
    let url = format!("redis://me:s3cret@127.0.0.1:{port}");
    let text = STEADY.replace("nodes = 2", &format!("nodes = 2\nbackplane = {url:?}"));
    let run = CliRun::run_to_end(&text);
    let stderr = &run.stderr;
    assert_eq!(run.code, Some(5), "{stderr}");
    let expected = format!("cannot reach Redis at redis://***@127.0.0.1:{port}");
    assert!(stderr.contains(&expected), "{stderr}");
    assert!(stderr.contains("hint: start it first"), "{stderr}");
    // The record of the failed run has the scenario, without the secret.
    let mut files = 0;
    for file in std::fs::read_dir(&run.record).expect("a record").flatten() {
        if let Ok(text) = std::fs::read_to_string(file.path()) {
            assert!(!text.contains("s3cret"), "{:?}: {text}", file.path());
            files += usize::from(text.contains("redis://***@"));
        }
    }
    assert!(files > 0, "the manifest names the broker");
    assert!(!stderr.contains("s3cret"), "{stderr}");
}
