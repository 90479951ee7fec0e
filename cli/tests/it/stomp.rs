//! STOMP over WebSocket against brokers that are not ours: RabbitMQ, and a cluster of three.

use highwater_reports::summary::FailureSummary;
use highwater_services::{RabbitMqClusterService, RabbitMqService};

use crate::harness::{
    CliRun, FinishedRun,
    checks::{assert_messages_add_up, messages, was_late},
};

/// Returns a scenario with 40 sockets in four rooms, each with two publishers among its ten
/// subscribers. Each publisher receives its own messages too.
fn rooms(addresses: &[String], duration: &str, ack: &str) -> String {
    format!(
        r#"
        name = "rooms"
        duration = "{duration}"
        [target]
        ws = {addresses:?}
        dialect = "stomp"
        stomp = {{ login = "guest", passcode = "${{STOMP_PASSCODE}}", ack = "{ack}" }}
        [[devices]]
        name = "user"
        count = 40
        ramp = "40/s"
        heartbeat = "1s"
        reconnect = {{ first = "100ms", max = "1s" }}
        subscribe = [{{ destination = "/topic/user-{{n}}", ack = "client" }}]
        [[publish]]
        name = "room"
        from = "device"
        topics = 4
        publishers = 8
        rate = "80/s"
        "#
    )
}

fn run(scenario: &str, passcode: &str) -> CliRun {
    CliRun::launch("run", scenario, |command| {
        command.env("STOMP_PASSCODE", passcode)
    })
}

fn failure<'s>(failures: &'s [FailureSummary], kind: &str) -> &'s FailureSummary {
    let found = failures.iter().find(|failure| failure.kind == kind);
    found.unwrap_or_else(|| panic!("no {kind}: {failures:?}"))
}

/// Asserts that every message that was published reached every subscriber of its room once.
fn assert_all_delivered(run: &FinishedRun) {
    run.assert_passed();
    let summary = run.summary();
    let messages = messages(&summary);
    assert_messages_add_up(messages);
    assert_eq!(messages.published, messages.scheduled, "{messages:?}");
    assert_eq!(messages.due, messages.published * 10, "{messages:?}");
    let faults = (messages.lost, messages.duplicated, messages.reordered);
    assert_eq!(faults, (0, 0, 0), "{messages:?}");
    // A receipt for each, from its due time.
    assert_eq!(messages.response_ms.count, messages.published);
    assert_eq!(summary.sockets.failed, 0);
}

#[test]
fn rooms_at_rabbitmq_get_each_message_once_and_in_order() {
    let broker = RabbitMqService::start().unwrap();
    let addresses = broker.web_stomp_urls();
    for ack in ["auto", "client-individual"] {
        let run = run(&rooms(&addresses, "4s", ack), "guest").finish();
        assert_all_delivered(&run);
        let heartbeats = run.summary().heartbeats;
        // Both ends send them, and those of a device have no answer.
        assert_eq!(heartbeats.missed, 0, "{heartbeats:?}");
        assert!(heartbeats.acknowledged >= 2 * 40, "{heartbeats:?}");
        assert!(heartbeats.one_way >= 2 * 40, "{heartbeats:?}");
        assert_eq!(heartbeats.sent, heartbeats.one_way, "{heartbeats:?}");
        assert!(!run.file("manifest.json").contains("passcode\":\"guest"));
    }
}

#[test]
fn wrong_password_is_refused_with_the_reason_of_the_broker() {
    let broker = RabbitMqService::start().unwrap();
    let scenario = rooms(&broker.web_stomp_urls(), "1s", "auto").replace("count = 40", "count = 8");
    let run = run(&scenario, "wr0ng-passc0de").finish();
    let summary = run.summary();
    assert_eq!((summary.sockets.opened, summary.sockets.failed), (0, 8));
    let failure = failure(&summary.failures, "connect.failed.stomp_error");
    let example = failure.example.as_ref().expect("the broker's reason");
    let reason = example.error.as_deref().expect("a text");
    assert!(reason.contains("Bad CONNECT"), "{reason}");
    for file in ["manifest.json", "summary.json", "events.jsonl"] {
        assert!(!run.file(file).contains("wr0ng-passc0de"), "{file}");
    }
}

/// The sockets of the killed server are lost and open again at the others. No other socket
/// notices, and no message comes twice.
#[test]
fn killed_server_of_a_cluster_costs_its_own_sockets_alone() {
    let mut cluster = RabbitMqClusterService::start().unwrap();
    let scenario = rooms(&cluster.web_stomp_urls(), "8s", "auto");
    let run = run(&scenario, "guest");
    run.wait_until_steady(2.0);
    let [_, killed, _] = cluster.pids()[..] else {
        panic!("three servers");
    };
    cluster.kill_one(killed);
    let run = run.finish();
    let summary = run.summary();
    assert_eq!(summary.sockets.open_at_end, Some(40), "{}", run.stdout);
    // Devices start evenly spread over the addresses: numbers 1, 4, … 37.
    let disconnects = summary.failures.iter();
    let lost: u64 = disconnects
        .filter(|failure| failure.kind.starts_with("disconnect."))
        .map(|failure| failure.count)
        .sum();
    assert_eq!(lost, 13, "{:?}", summary.failures);
    let messages = messages(&summary);
    assert_messages_add_up(messages);
    assert_eq!(messages.duplicated, 0, "{messages:?}");
    if !was_late(&summary) {
        assert_eq!(messages.reordered, 0, "{messages:?}");
    }
}
