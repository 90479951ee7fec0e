//! Telemetry through brokers: beside the backplane, over Kafka and Google Pub/Sub, and through the
//! death of a consumer and of a broker.

use highwater_reports::summary::Agreement;
use highwater_services::{NatsService, RedisOptions, RedisService};

use crate::harness::{
    CliRun, FinishedRun, ask,
    checks::{
        assert_all_accepted, assert_gates_hold, assert_no_command_lost, commands, ledger_line,
        telemetry, was_only_late,
    },
};

/// Both brokers are measured, and neither keeps anything of the run.
#[test]
fn telemetry_goes_through_a_broker_beside_the_backplane() {
    let redis = RedisService::start(RedisOptions { persistent: false }).expect("Redis starts");
    let nats = NatsService::start().expect("NATS starts");
    let monitor = nats.monitor_url().expect("NATS has one");
    let sets = [
        format!("cluster.backplane={}", redis.url()),
        format!("cluster.telemetry={}", nats.url()),
        format!("cluster.telemetry_broker.monitor={monitor}"),
    ];
    let run = CliRun::start_with(
        r#"
        name = "beside"
        duration = "5s"
        [cluster]
        nodes = 2
        consumers = 2
        [[devices]]
        name = "home"
        count = 100
        ramp = "100/s"
        heartbeat = "2s"
        max_missed = 20
        [[telemetry]]
        rate = "100/s"
        "#,
        &["--set", &sets[0], "--set", &sets[1], "--set", &sets[2]],
    );
    let summary = run.finish().summary();
    let telemetry = telemetry(&summary);
    assert_all_accepted(telemetry, 500);
    assert_eq!(telemetry.handled, Some(500), "{telemetry:?}");
    let ids: Vec<&str> = summary
        .brokers
        .iter()
        .map(|broker| broker.process.id.as_str())
        .collect();
    assert_eq!(ids, ["broker", "telemetry-broker"]);
    for broker in &summary.brokers {
        assert!(broker.process.rss_peak.unwrap() > 1_000_000, "{broker:?}");
    }
    let queue = &summary.brokers[1];
    assert!(queue.messages_in.unwrap() >= 500, "{queue:?}");
    // The messages of the other broker are not compared with those between nodes.
    let through = ledger_line(&summary, "messages through the broker");
    let agrees = through.verdict == Agreement::Agrees;
    assert!(agrees || was_only_late(&summary), "{through:?}");

    let address = monitor.trim_start_matches("http://");
    let request = format!("GET /jsz HTTP/1.0\r\nHost: {address}\r\n\r\n");
    let answer = ask(address, &request);
    assert!(answer.contains("\"streams\": 0"), "{answer}");
}

/// Returns a scenario of this length in which one of three consumers is killed after 3 s and
/// started again at `restart`.
#[cfg(any(feature = "kafka", feature = "gcp-pubsub"))]
fn killed_consumer(duration: &str, restart: &str) -> String {
    format!(
        r#"
        name = "killed-consumer"
        duration = "{duration}"
        [cluster]
        nodes = 2
        consumers = 3
        processing_time = "2ms"
        [[devices]]
        name = "home"
        count = 200
        ramp = "200/s"
        heartbeat = "2s"
        max_missed = 20
        [[telemetry]]
        rate = "200/s"
        [[events]]
        at = "3s"
        do = "kill-consumer"
        consumer = "c2"
        [[events]]
        at = "{restart}"
        do = "restart-consumer"
        consumer = "c2"
        [[gates]]
        check = "telemetry.lost == 0"
        "#
    )
}

/// The broker notices the dead consumer after its session timeout. On tansu, because noida-db
/// waits for a dead member without an end.
#[cfg(feature = "kafka")]
#[test]
fn telemetry_over_kafka_survives_a_killed_consumer() {
    let kafka = highwater_services::TansuService::start().expect("a broker");
    let telemetry_url = format!("cluster.telemetry={}", kafka.url());
    let run = CliRun::start_with(&killed_consumer("20s", "13s"), &["--set", &telemetry_url]);
    let summary = run.finish().summary();
    assert_gates_hold(&summary);
    let telemetry = telemetry(&summary);
    assert_all_accepted(telemetry, 4_000);
    assert_eq!(telemetry.handled, Some(4_000), "{telemetry:?}");
    // What c2 had handled and not acknowledged.
    assert!(telemetry.duplicated.unwrap() <= 64, "{telemetry:?}");
    let ids = summary
        .brokers
        .iter()
        .map(|broker| broker.process.id.as_str());
    assert_eq!(ids.collect::<Vec<_>>(), ["broker", "telemetry-broker"]);
    let queue = &summary.brokers[1];
    assert!(queue.messages_in.unwrap() > 3_000, "{queue:?}");
    assert_eq!(queue.channels_peak, Some(1), "{queue:?}");
    // The partitions of c2 had no owner for seconds.
    assert!(queue.backlog_peak.unwrap() > 100, "{queue:?}");
    assert_eq!(queue.clients_peak, None, "the protocol does not tell");
    assert!(queue.process.rss_peak.unwrap() > 1_000_000, "{queue:?}");
}

/// The emulator delivers the dead consumer's records again after 10 s or 30 s. The steady phase
/// is longer, because the run waits 15 s after its end for records that are not handled.
#[cfg(feature = "gcp-pubsub")]
#[test]
fn telemetry_over_pubsub_survives_a_killed_consumer() {
    use highwater_services::ServiceKind;

    if let Some(reason) = ServiceKind::PubSub.missing_optional() {
        return println!("skipped: {reason}");
    }
    let pubsub = ServiceKind::PubSub.start().expect("an emulator");
    let telemetry_url = format!("cluster.telemetry={}", pubsub.url());
    let run = CliRun::start_with(&killed_consumer("45s", "40s"), &["--set", &telemetry_url]);
    let summary = run.finish().summary();
    assert_gates_hold(&summary);
    let telemetry = telemetry(&summary);
    assert_all_accepted(telemetry, 9_000);
    assert_eq!(telemetry.handled, Some(9_000), "{telemetry:?}");
    // What c2 had handled and not acknowledged.
    assert!(telemetry.duplicated.unwrap() <= 64, "{telemetry:?}");
    let queue = &summary.brokers[1];
    assert_eq!(queue.process.id, "telemetry-broker");
    assert_eq!(queue.messages_in, None, "the service does not tell");
    assert!(queue.process.rss_peak.unwrap() > 1_000_000, "{queue:?}");

    // The run's topics are gone.
    let (address, project) = pubsub_address(&pubsub.url());
    let request = format!("GET /v1/projects/{project}/topics HTTP/1.0\r\nHost: {address}\r\n\r\n");
    let answer = ask(&address, &request);
    assert!(!answer.contains("highwater."), "{answer}");
}

/// Returns host and port of an emulator's URL, and the project.
#[cfg(feature = "gcp-pubsub")]
fn pubsub_address(url: &str) -> (String, String) {
    let (_, rest) = url.split_once("://").expect("a scheme");
    let (address, project) = rest.split_once('/').expect("a project");
    (address.to_owned(), project.to_owned())
}

/// The broker keeps nothing. Accepted telemetry was processed before, and rejected
/// telemetry is sent again. Commands between nodes fail at once.
#[test]
fn killed_embedded_broker_loses_no_telemetry() {
    let run = CliRun::run_to_end(
        r#"
        name = "broker-kill"
        duration = "10s"
        [cluster]
        nodes = 2
        consumers = 3
        processing_time = "2ms"
        [[devices]]
        name = "home"
        count = 200
        ramp = "200/s"
        heartbeat = "2s"
        max_missed = 20
        [[commands]]
        name = "read"
        rate = "200/s"
        timeout = "2s"
        [[telemetry]]
        rate = "100/s"
        [[events]]
        at = "2s"
        do = "kill-broker"
        [[events]]
        at = "4s"
        do = "restart-broker"
        [[gates]]
        check = "sockets.open_at_end == 200"
        [[gates]]
        check = "sockets.dropped == 0"
        [[gates]]
        check = "commands.failed == 0"
        [[gates]]
        check = "commands.lost == 0"
        [[gates]]
        check = "telemetry.lost == 0"
        "#,
    );
    let summary = run.summary();
    assert_gates_hold(&summary);
    let late = was_only_late(&summary);
    assert!(
        late || summary.heartbeats.missed == 0,
        "{:?}",
        summary.heartbeats
    );
    let commands = commands(&summary);
    assert_no_command_lost(commands);
    // Commands for a device of the called node need no broker, and go through.
    assert!(commands.rejected > 100, "{commands:?}");
    let least = if late {
        commands.due / 5
    } else {
        commands.due / 2
    };
    assert!(commands.replied > least, "{commands:?}");
    assert_eq!(summary.brokers[0].process.restarts, Some(1));
    // The nodes join again: commands cross once more, long after the outage.
    let crossed = last_crossing(&run);
    assert!(crossed >= 7.0, "the last command crossed at {crossed} s");

    let telemetry = telemetry(&summary);
    assert_all_accepted(telemetry, 1_000);
    assert_eq!(telemetry.handled, Some(1_000), "{telemetry:?}");
    assert!(
        telemetry.rejected > 0,
        "the queue was unavailable: {telemetry:?}"
    );
    assert_eq!(telemetry.resent, telemetry.rejected, "{telemetry:?}");
}

/// Returns the last second of the steady phase, counted from its start, in which a command
/// crossed nodes.
fn last_crossing(run: &FinishedRun) -> f64 {
    let crossed = run.intervals().into_iter();
    crossed
        .filter(|line| line["counters"]["commands.cross_node"].as_u64() > Some(0))
        .filter_map(|line| line["at"].as_f64())
        .fold(f64::NEG_INFINITY, f64::max)
        - run.steady_start()
}
