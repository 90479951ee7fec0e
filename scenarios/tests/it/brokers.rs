//! The broker of a backplane: its address, its measurement, and its events.

use expect_test::{Expect, expect};
use highwater_scenarios::{
    parse,
    plan::{Action, BROKER_NAME, BackplaneSpec, ClusterSpec, Plan, SystemSpec},
};

const SCENARIO_TAIL: &str = "
[[devices]]
count = 10
ramp = \"10/s\"
";

fn scenario(more: &str) -> String {
    format!("name = \"joined\"\nduration = \"60s\"\n{more}{SCENARIO_TAIL}")
}

fn plan(more: &str, sets: &[&str]) -> Plan {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    parse("joined.toml", &scenario(more), &sets)
        .unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn backplane(plan: &Plan) -> &BackplaneSpec {
    match &plan.system {
        SystemSpec::Cluster(cluster) => &cluster.backplane,
        SystemSpec::Target(target) => panic!("{target:?}"),
    }
}

fn check(more: &str, sets: &[&str], expected: Expect) {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    let diagnostics =
        parse("joined.toml", &scenario(more), &sets).expect_err("an invalid scenario");
    expected.assert_eq(&diagnostics.to_string());
}

#[test]
fn broker_address_comes_from_file_or_set() {
    let file = plan("[cluster]\nbackplane = \"redis://127.0.0.1\"\n", &[]);
    let set = plan("[cluster]\n", &["cluster.backplane=redis://127.0.0.1"]);
    assert_eq!(backplane(&file), backplane(&set));
    assert_eq!(backplane(&plan("[cluster]\n", &[])), &BackplaneSpec::Local);

    for (url, host, port, monitor) in [
        ("redis://127.0.0.1", "127.0.0.1", 6379, None),
        ("nats://mq", "mq", 4222, Some("http://mq:8222")),
        ("amqp://[::1]:7/", "::1", 7, Some("http://[::1]:15692")),
    ] {
        let plan = plan("[cluster]\n", &[&format!("cluster.backplane={url}")]);
        let BackplaneSpec::Broker(broker) = backplane(&plan) else {
            panic!("{plan:?}");
        };
        assert_eq!((broker.url.host(), broker.url.port()), (host, port));
        assert_eq!(broker.monitor.as_deref(), monitor);
        assert_eq!(broker.pid, None);
    }
}

#[test]
fn broker_measurement_is_configurable() {
    let plan = plan(
        "[cluster]\nbackplane = \"nats://mq\"\nbroker = { monitor = \"http://other:18222\", pid = 4711 }\n",
        &["cluster.broker.pid=4712"],
    );
    let BackplaneSpec::Broker(broker) = backplane(&plan) else {
        panic!("{plan:?}");
    };
    assert_eq!(broker.monitor.as_deref(), Some("http://other:18222"));
    assert_eq!(broker.pid, Some(4712));
}

#[test]
fn password_is_in_no_plan_and_no_description() {
    let plan = plan("[cluster]\nbackplane = \"amqp://me:s3cret@mq\"\n", &[]);
    let host = highwater_scenarios::HostResources {
        files_per_process: 1_000,
        memory: None,
    };
    for text in [
        serde_json::to_string(&plan).unwrap(),
        format!("{plan:?}"),
        highwater_scenarios::describe(&plan, &host),
    ] {
        assert!(
            !text.contains("s3cret") && text.contains("amqp://***@mq"),
            "{text}"
        );
    }
    let json = serde_json::to_string(&plan).unwrap();
    let read: Plan = serde_json::from_str(&json).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), json);
    // Earlier records hold only the word.
    assert_eq!(
        serde_json::from_str::<BackplaneSpec>("\"local\"").unwrap(),
        BackplaneSpec::Local
    );
}

#[test]
fn invalid_broker_address_is_rejected_without_its_password() {
    check(
        "[cluster]\nbackplane = \"mqtt://me:s3cret@mq:9092\"\n",
        &["cluster.nodes=2"],
        expect![[r#"
            joined.toml:4:13: cluster.backplane: unknown broker `mqtt`
              |
            4 | backplane = "mqtt://*********@mq:9092"
              |             ^^^^^^^^^^^^^^^^^^^^^^^^^^
              = found: "mqtt://***@mq:9092"
              = expected: "local", or the address of a broker: "redis://host:6379", "nats://host:4222", "amqp://host:5672", "sns://host:4566", "dynamodb://host:4566"

            1 problem in joined.toml"#]],
    );
    check(
        "[cluster]\nbackplane = \"lokal\"\n",
        &[],
        expect![[r#"
            joined.toml:4:13: cluster.backplane: no address of a broker
              |
            4 | backplane = "lokal"
              |             ^^^^^^^
              = found: "lokal"
              = expected: "local", or the address of a broker: "redis://host:6379", "nats://host:4222", "amqp://host:5672", "sns://host:4566", "dynamodb://host:4566"
              = hint: did you mean `local`?

            1 problem in joined.toml"#]],
    );
    check(
        "[cluster]\n",
        &["cluster.backplane=redis://me:s3cret@:6379"],
        expect![[r#"
            --set cluster.backplane=redis://*********@:6379: cluster.backplane: an address without a host
              = found: "redis://***@:6379"
              = expected: "local", or the address of a broker: "redis://host:6379", "nats://host:4222", "amqp://host:5672", "sns://host:4566", "dynamodb://host:4566"

            1 problem in joined.toml"#]],
    );
    check(
        "[cluster]\n",
        &["cluster.backplane=amqps://mq,,mq3"],
        expect![[r#"
            --set cluster.backplane=amqps://mq,,mq3: cluster.backplane: server 2 of the address: an address without a host
              = found: "amqps://mq,,mq3"
              = expected: "local", or the address of a broker: "redis://host:6379", "nats://host:4222", "amqp://host:5672", "sns://host:4566", "dynamodb://host:4566"
              = hint: write a host between two commas, and none at the end

            1 problem in joined.toml"#]],
    );
}

#[test]
fn broker_keys_that_do_not_fit_the_backplane_are_rejected() {
    check(
        "[cluster]\nbroker = { pid = 1 }\n",
        &[],
        expect![[r#"
            joined.toml:4:10: cluster.broker: the harness measures the embedded broker by itself
              |
            4 | broker = { pid = 1 }
              |          ^^^^^^^^^^^
              = expected: `broker` beside a `backplane` that is an address

            1 problem in joined.toml"#]],
    );
    check(
        "[cluster]\nbackplane = \"redis://h\"\nbroker = { monitor = \"http://h:1\" }\n",
        &[],
        expect![[r#"
            joined.toml:5:22: cluster.broker.monitor: Redis has no monitoring endpoint
              |
            5 | broker = { monitor = "http://h:1" }
              |                      ^^^^^^^^^^^^
              = found: "http://h:1"
              = expected: `pid`, or nothing
              = hint: it is asked with INFO at the backplane's own address

            1 problem in joined.toml"#]],
    );
}

const TELEMETRY: &str = "
[[telemetry]]
every = \"1s\"
";

fn cluster(plan: &Plan) -> &ClusterSpec {
    match &plan.system {
        SystemSpec::Cluster(cluster) => cluster,
        SystemSpec::Target(target) => panic!("{target:?}"),
    }
}

#[test]
fn telemetry_goes_to_a_broker_of_its_own() {
    let first = "[cluster]\nconsumers = 1\nbackplane = \"redis://a\"\n";
    let beside = plan(
        &format!(
            "{first}telemetry = \"nats://b\"\ntelemetry_broker = {{ pid = 4711 }}\n{TELEMETRY}"
        ),
        &[],
    );
    let broker = cluster(&beside).telemetry.as_ref().expect("a broker");
    assert_eq!(broker.url.to_string(), "nats://b");
    assert_eq!(broker.monitor.as_deref(), Some("http://b:8222"));
    assert_eq!(broker.pid, Some(4711));
    let brokers = cluster(&beside).external_brokers();
    let hosts: Vec<&str> = brokers.map(|broker| broker.url.host()).collect();
    assert_eq!(hosts, ["a", "b"]);
    let host = highwater_scenarios::HostResources {
        files_per_process: 1_000,
        memory: None,
    };
    let text = highwater_scenarios::describe(&beside, &host);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let expected =
        "handled by 1 consumer (c1), from nats://b (NATS, which must be running already)";
    assert!(words.contains(expected), "{words}");
    // The same broker for both is accepted.
    let same = plan(
        &format!("{first}telemetry = \"redis://a\"\n{TELEMETRY}"),
        &[],
    );
    assert_eq!(cluster(&same).external_brokers().count(), 2);
    let without = plan(&format!("{first}{TELEMETRY}"), &[]);
    assert_eq!(cluster(&without).telemetry, None);
}

#[test]
fn broker_of_telemetry_that_nothing_uses_is_rejected() {
    let telemetry = "telemetry = \"nats://b\"\n";
    check(
        &format!("[cluster]\n{telemetry}"),
        &[],
        expect![[r#"
            joined.toml:4:13: cluster.telemetry: a broker for telemetry without consumers
              |
            4 | telemetry = "nats://b"
              |             ^^^^^^^^^^
              = found: "nats://b"
              = expected: `consumers = 3` in `[cluster]`, or another number

            1 problem in joined.toml"#]],
    );
    check(
        &format!("[cluster]\nconsumers = 1\n{telemetry}"),
        &[],
        expect![[r#"
            joined.toml:5:13: cluster.telemetry: a broker for telemetry that no device sends
              |
            5 | telemetry = "nats://b"
              |             ^^^^^^^^^^
              = found: "nats://b"
              = expected: `[[telemetry]]` beside it

            1 problem in joined.toml"#]],
    );
    check(
        &format!("[cluster]\nconsumers = 1\ntelemetry_broker = {{ pid = 1 }}\n{TELEMETRY}"),
        &[],
        expect![[r#"
            joined.toml:5:20: cluster.telemetry_broker: there is no such broker
              |
            5 | telemetry_broker = { pid = 1 }
              |                    ^^^^^^^^^^^
              = expected: `telemetry_broker` beside the address of `telemetry`

            1 problem in joined.toml"#]],
    );
}

#[test]
fn broker_keys_that_do_not_fit_the_queue_are_rejected() {
    check(
        &format!(
            "[cluster]\nconsumers = 1\nbackplane = \"rediss://a\"\nbroker = {{ ca = \"a.pem\" }}\ntelemetry = \"rediss://b\"\ntelemetry_broker = {{ ca = \"b.pem\", monitor = \"http://b:1\" }}\n{TELEMETRY}"
        ),
        &[],
        expect![[r#"
            joined.toml:8:27: cluster.telemetry_broker.ca: two files of authorities
              |
            8 | telemetry_broker = { ca = "b.pem", monitor = "http://b:1" }
              |                           ^^^^^^^
              = found: "b.pem"
              = expected: the file of `broker`, with the authorities of both brokers

            joined.toml:8:46: cluster.telemetry_broker.monitor: Redis has no monitoring endpoint
              |
            8 | telemetry_broker = { ca = "b.pem", monitor = "http://b:1" }
              |                                              ^^^^^^^^^^^^
              = found: "http://b:1"
              = expected: `pid`, or nothing
              = hint: it is asked with INFO at the queue's own address

            2 problems in joined.toml"#]],
    );
    check(
        &format!("[cluster]\nconsumers = 1\ntelemetry = \"nast://b\"\n{TELEMETRY}"),
        &[],
        expect![[r#"
            joined.toml:5:13: cluster.telemetry: unknown broker `nast`
              |
            5 | telemetry = "nast://b"
              |             ^^^^^^^^^^
              = found: "nast://b"
              = expected: the address of a broker: "redis://host:6379", "nats://host:4222", "amqp://host:5672", "kafka://host:9092", "pubsub://host:8085/project"
              = hint: did you mean `nats`?

            1 problem in joined.toml"#]],
    );
    check(
        "[cluster]\nbackplane = \"kafka://b\"\n",
        &[],
        expect![[r#"
            joined.toml:4:13: cluster.backplane: Kafka joins no nodes
              |
            4 | backplane = "kafka://b"
              |             ^^^^^^^^^^^
              = found: "kafka://b"
              = expected: "local", or the address of a broker: "redis://host:6379", "nats://host:4222", "amqp://host:5672", "sns://host:4566", "dynamodb://host:4566"
              = hint: name it with `telemetry`, beside another `backplane`

            1 problem in joined.toml"#]],
    );
}

const EVENTS: &str = "
[[events]]
at = \"10s\"
do = \"kill-broker\"
[[events]]
at = \"20s\"
do = \"restart-broker\"
[[events]]
at = \"30s\"
do = \"pause-broker\"
[[events]]
at = \"40s\"
do = \"resume-broker\"
";

#[test]
fn events_of_the_embedded_broker_are_accepted() {
    let plan = plan(&format!("[cluster]\nnodes = 2\n{EVENTS}"), &[]);
    let actions: Vec<_> = plan.events.iter().map(|event| &event.action).collect();
    assert_eq!(
        actions,
        [
            &Action::KillBroker,
            &Action::RestartBroker,
            &Action::PauseBroker,
            &Action::ResumeBroker,
        ]
    );
    assert!(plan.events.iter().all(|event| event.node == BROKER_NAME));
    assert_eq!(plan.node_count_range(), Some(2..=2), "no node goes");
}

#[test]
fn impossible_broker_events_are_rejected() {
    check(
        "[cluster]\nnodes = 2\nbackplane = \"nats://mq\"\n[[events]]\nat = \"1s\"\ndo = \"kill-broker\"\n",
        &[],
        expect![[r#"
            joined.toml:8:6: events[0].do: the harness did not start this broker, and does nothing to it
              |
            8 | do = "kill-broker"
              |      ^^^^^^^^^^^^^
              = found: "kill-broker"
              = expected: events of the broker with `backplane = "local"`

            1 problem in joined.toml"#]],
    );
    check(
        "[cluster]\n[[events]]\nat = \"1s\"\ndo = \"pause-broker\"\n",
        &[],
        expect![[r#"
            joined.toml:6:6: events[0].do: a cluster of one has no broker
              |
            6 | do = "pause-broker"
              |      ^^^^^^^^^^^^^^
              = found: "pause-broker"
              = expected: events of the broker with two nodes or more

            1 problem in joined.toml"#]],
    );
    check(
        "[cluster]\nnodes = 2\n[[events]]\nat = \"1s\"\ndo = \"resume-broker\"\nnode = \"n1\"\n[[events]]\nat = \"2s\"\ndo = \"kill-node\"\n",
        &[],
        expect![[r#"
            joined.toml:7:6: events[0].do: the broker runs then
              |
            7 | do = "resume-broker"
              |      ^^^^^^^^^^^^^^^
              = found: "resume-broker"
              = expected: "kill-broker" or "restart-broker" or "pause-broker"
              = hint: do = "pause-broker" must come before it

            joined.toml:8:8: events[0].node: there is one broker, which has no name
              |
            8 | node = "n1"
              |        ^^^^
              = found: "n1"
              = expected: no `node` for an event of the broker

            joined.toml:9:1: events[1].node: missing
              |
            9 | [[events]]
              | ^^^^^^^^^^
              = expected: a node's name: "n1", "n2", … up to "n9999"

            3 problems in joined.toml"#]],
    );
}
