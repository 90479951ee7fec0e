//! The cluster of a scenario, as real processes of the `highwater` binary.
//!
//! The binary is taken from this build's folder, where `cargo test --workspace`
//! and `cargo build -p highwater` put it; `HIGHWATER_EXE` names another.

use std::{
    cell::RefCell,
    env,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    time::Duration,
};

use highwater_loadgen::{
    access::Trust,
    causes::in_full,
    process::{Exit, Signal, Spawner},
    sampling::{Sampled, Sampler},
    testbed::{Left, Testbed, TestbedError},
};
use highwater_reports::record::{Role, names::gauge};
use highwater_scenarios::{
    BrokerUrl,
    plan::{
        Action, BROKER, Backplane, Balancer, Broker, Cluster, Consumers, Event, Fault, Join,
        Measure, Plan, Policy, Routing, System,
    },
};
use nix::{sys::signal::kill, unistd::Pid};

use crate::process::{is_gone, state, until};

struct Bed {
    bed: Testbed,
    /// Holds the logs until the test is over.
    _logs: tempfile::TempDir,
}

impl Bed {
    async fn start(nodes: u32, events: &[Event]) -> Self {
        let logs = tempfile::tempdir().unwrap();
        let (plan, cluster) = plan(nodes, events);
        let spawner = Spawner::start().unwrap();
        let bed = Testbed::start(&plan, &cluster, &exe(), spawner, logs.path()).await;
        Self {
            bed: bed.unwrap_or_else(|error| panic!("{}", in_full(&error))),
            _logs: logs,
        }
    }

    async fn apply(&self, action: Action, node: &str) {
        let applied = self.bed.apply(&event(action, node)).await;
        applied.unwrap_or_else(|error| panic!("{node}: {}", in_full(&error)));
    }

    async fn refusal(&self, action: Action, node: &str) -> TestbedError {
        self.bed.apply(&event(action, node)).await.unwrap_err()
    }

    fn http(&self) -> Vec<String> {
        self.bed.endpoints().http
    }

    fn sampled(&self, id: &str) -> Sampled {
        let mut sampled = self.bed.sampled().into_iter();
        sampled.find(|sampled| sampled.source.id == id).unwrap()
    }

    fn pid(&self, id: &str) -> Option<u32> {
        self.sampled(id).pid
    }

    fn pids(&self) -> Vec<u32> {
        let sampled = self.bed.sampled().into_iter();
        sampled.filter_map(|sampled| sampled.pid).collect()
    }

    /// Ends a node's process behind the testbed's back.
    fn kill_outside(&self, id: &str) {
        let pid = Pid::from_raw(self.pid(id).unwrap().cast_signed());
        kill(pid, Signal::SIGKILL).unwrap();
    }
}

fn exe() -> PathBuf {
    if let Some(exe) = env::var_os("HIGHWATER_EXE") {
        return exe.into();
    }
    let test = env::current_exe().unwrap();
    let exe = test.ancestors().nth(2).unwrap().join("highwater");
    assert!(
        exe.exists(),
        "{} is not built: cargo build -p highwater",
        exe.display()
    );
    exe
}

fn plan(nodes: u32, events: &[Event]) -> (Plan, Cluster) {
    let cluster = Cluster {
        nodes,
        backplane: Backplane::Local,
        balancer: Balancer::None,
        policy: Policy::RoundRobin,
        load: Measure::Sockets,
        join: Join::Discovery,
        gateways: 1,
        balancer_tls: false,
        max_age: None,
        routing: Routing::Directory,
        tls: false,
        auth: false,
        consumers: Consumers::default(),
    };
    let plan = Plan {
        name: "testbed".into(),
        description: String::new(),
        seed: 1,
        duration: Duration::from_secs(1),
        system: System::Cluster(cluster.clone()),
        devices: Vec::new(),
        commands: Vec::new(),
        publish: Vec::new(),
        events: events.to_vec(),
        readings: Vec::new(),
        gates: Vec::new(),
    };
    (plan, cluster)
}

fn event(action: Action, node: &str) -> Event {
    Event {
        name: None,
        at: Duration::ZERO,
        node: node.into(),
        action,
    }
}

fn address(http: &str) -> SocketAddr {
    http.strip_prefix("http://").unwrap().parse().unwrap()
}

async fn get(url: &str) -> Result<String, reqwest::Error> {
    let client = Trust::Nobody.http_client(|client| client).unwrap();
    client
        .get(url)
        .send()
        .await?
        .error_for_status()?
        .text()
        .await
}

#[tokio::test]
async fn nodes_come_and_go_as_the_events_say() {
    let bed = Bed::start(2, &[event(Action::AddNode, "n3")]).await;
    let at_start = bed.http();
    assert_eq!(at_start.len(), 2);
    assert!(bed.bed.endpoints().ws[0].starts_with("ws://127.0.0.1:"));
    assert_eq!(bed.sampled("broker").source.role, Role::Broker);
    let first = bed.pid("n1").unwrap();

    bed.apply(Action::KillNode, "n1").await;
    assert!(is_gone(first));
    assert_eq!(bed.http(), at_start, "clients meet the refusal");
    assert_eq!(bed.pid("n1"), None);
    assert!(get(&format!("{}/readyz", at_start[0])).await.is_err());
    let refusal = bed.refusal(Action::KillNode, "n1").await;
    assert!(matches!(refusal, TestbedError::NotRunning { .. }));

    bed.apply(Action::RestartNode, "n1").await;
    assert_eq!(bed.http(), at_start, "on its old address");
    assert_ne!(bed.pid("n1").unwrap(), first);
    get(&format!("{}/readyz", at_start[0])).await.unwrap();

    bed.apply(Action::AddNode, "n3").await;
    let with_third = bed.http();
    assert_eq!(with_third[..2], at_start);
    for http in &with_third {
        assert!(get(&format!("{http}/nodes")).await.unwrap().contains("n3"));
    }
    let refusal = bed.refusal(Action::AddNode, "n3").await;
    assert!(matches!(refusal, TestbedError::AlreadyRunning { .. }));

    bed.apply(Action::DrainNode, "n2").await;
    assert_eq!(bed.http(), [&with_third[0][..], &with_third[2][..]]);
    let left = RefCell::new(Vec::new());
    until(|| {
        left.borrow_mut().extend(bed.bed.left());
        !left.borrow().is_empty()
    })
    .await;
    assert_eq!(left.into_inner(), [left_in_order("n2")]);
    assert_eq!(bed.pid("n2"), None);
    bed.apply(Action::RestartNode, "n2").await;
    assert_eq!(bed.http(), with_third, "a drained node returns");

    assert_eq!(bed.bed.ended(), [], "each end was asked for");
    let pids = bed.pids();
    assert_eq!(pids.len(), 4);
    bed.bed.stop().await;
    assert!(pids.into_iter().all(is_gone));
    assert_eq!(bed.http(), [""; 0]);
    let refusal = bed.refusal(Action::AddNode, "n4").await;
    assert!(matches!(refusal, TestbedError::Stopping));
}

fn left_in_order(id: &str) -> Left {
    Left {
        id: id.to_owned(),
        exit: Exit::Status(0),
    }
}

/// Whether the nodes are connected to the broker, each by its own word.
async fn connected(bed: &Bed) -> Vec<bool> {
    let mut connected = Vec::new();
    for http in bed.http() {
        let nodes = get(&format!("{http}/nodes")).await.unwrap();
        connected.push(nodes.contains(r#""connected":true"#));
    }
    connected
}

#[tokio::test]
async fn the_broker_goes_and_comes_back_on_its_old_address() {
    let bed = Bed::start(2, &[]).await;
    let first = bed.pid(BROKER).unwrap();
    assert_eq!(connected(&bed).await, [true, true]);

    bed.apply(Action::KillBroker, BROKER).await;
    assert!(is_gone(first));
    assert_eq!(bed.pid(BROKER), None);
    for action in [Action::KillBroker, Action::PauseBroker] {
        let refusal = bed.refusal(action, BROKER).await;
        assert!(matches!(refusal, TestbedError::NotRunning { .. }));
    }
    bed.apply(Action::RestartBroker, BROKER).await;
    assert_eq!(connected(&bed).await, [true, true], "they have met again");
    let second = bed.pid(BROKER).unwrap();
    assert_ne!(second, first);

    bed.apply(Action::PauseBroker, BROKER).await;
    until(|| state(second) == Some('T')).await;
    bed.apply(Action::ResumeBroker, BROKER).await;
    assert_eq!(connected(&bed).await, [true, true]);
    bed.apply(Action::RestartBroker, BROKER).await;
    assert!(is_gone(second));
    assert_eq!(bed.bed.ended(), [], "each end was asked for");
    assert_eq!(bed.bed.left(), [], "and the broker is no node");
    bed.bed.stop().await;
}

#[tokio::test]
async fn nothing_is_done_to_a_broker_that_is_not_there() {
    let bed = Bed::start(1, &[]).await;
    let refusal = bed.refusal(Action::KillBroker, BROKER).await;
    assert!(matches!(refusal, TestbedError::NoBroker));
}

#[tokio::test]
async fn a_broker_that_does_not_answer_is_told_of_before_anything_starts() {
    // Bound and closed again: nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr())
        .unwrap()
        .port();
    for (url, name) in [
        (format!("redis://me:s3cret@127.0.0.1:{port}"), "Redis"),
        (format!("nats://me:s3cret@127.0.0.1:{port}"), "NATS"),
        (format!("amqp://me:s3cret@127.0.0.1:{port}/%2f"), "RabbitMQ"),
    ] {
        let logs = tempfile::tempdir().unwrap();
        let (plan, mut cluster) = plan(2, &[]);
        cluster.backplane = Backplane::Broker(Broker {
            url: BrokerUrl::parse(&url).unwrap(),
            monitor: None,
            pid: None,
        });
        let spawner = Spawner::start().unwrap();
        let started = Testbed::start(&plan, &cluster, &exe(), spawner, logs.path()).await;
        let error = started.unwrap_err();
        let text = in_full(&error);
        assert!(
            matches!(&error, TestbedError::BrokerSilent { name: found, .. } if *found == name),
            "{text}"
        );
        assert!(
            !text.contains("s3cret") && text.contains("***@127.0.0.1"),
            "{text}"
        );
        assert_eq!(std::fs::read_dir(logs.path()).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn a_paused_node_is_resumed_or_ended() {
    let bed = Bed::start(2, &[]).await;
    let at_start = bed.http();
    let [first, second] = ["n1", "n2"].map(|id| bed.pid(id).unwrap());

    bed.apply(Action::PauseNode, "n1").await;
    until(|| state(first) == Some('T')).await;
    assert_eq!(bed.http(), at_start);
    assert_eq!(bed.bed.ended(), []);
    bed.apply(Action::ResumeNode, "n1").await;
    get(&format!("{}/readyz", at_start[0])).await.unwrap();

    bed.apply(Action::PauseNode, "n2").await;
    until(|| state(second) == Some('T')).await;
    bed.bed.stop().await;
    assert!(is_gone(first) && is_gone(second));
}

#[tokio::test]
async fn a_running_node_is_restarted_and_gets_no_clients_meanwhile() {
    let bed = Bed::start(2, &[]).await;
    let at_start = bed.http();
    let first = bed.pid("n1").unwrap();
    let mut changes = bed.bed.watch_endpoints();
    let seen = tokio::spawn(async move {
        changes.changed().await.unwrap();
        changes.borrow_and_update().http.clone()
    });
    bed.apply(Action::RestartNode, "n1").await;
    assert_eq!(seen.await.unwrap(), [&at_start[1][..]]);
    assert_eq!(bed.http(), at_start);
    assert_ne!(bed.pid("n1").unwrap(), first);
    assert_eq!(bed.bed.ended(), [], "its end was asked for");
    assert_eq!(bed.bed.left(), [left_in_order("n1")]);
    assert_eq!(bed.bed.left(), []);
    bed.bed.stop().await;
}

#[tokio::test]
async fn a_cluster_is_sampled_paused_nodes_and_killed_ones_included() {
    let bed = Bed::start(3, &[]).await;
    bed.apply(Action::PauseNode, "n2").await;
    bed.apply(Action::KillNode, "n3").await;
    let samples = Sampler::new(&Trust::Nobody)
        .unwrap()
        .sample(3.0, &bed.bed.sampled())
        .await;
    let sources: Vec<(Role, &str)> = samples
        .iter()
        .map(|sample| (sample.source.role, sample.source.id.as_str()))
        .collect();
    assert_eq!(
        sources,
        [
            (Role::Node, "n1"),
            (Role::Node, "n2"),
            (Role::Node, "n3"),
            (Role::Broker, "broker"),
            (Role::Host, "host"),
        ]
    );
    let has = |sample: usize, name: &str| samples[sample].gauges.contains_key(name);

    assert_eq!(samples[0].gauges[gauge::UP], 1.0);
    assert_eq!(samples[0].gauges[gauge::SOCKETS_OPEN], 0.0);
    assert_eq!(samples[0].gauges[gauge::SOCKETS_ACCEPTED], 0.0);
    for name in [gauge::BACKPLANE_SENT, gauge::BACKPLANE_RECEIVED] {
        assert!(has(0, name), "{name}");
    }
    assert_eq!(samples[1].gauges[gauge::UP], 0.0);
    assert!(!has(1, gauge::SOCKETS_OPEN));
    assert_eq!(samples[2].gauges, [(gauge::UP.to_owned(), 0.0)].into());
    for sample in [0, 1, 3] {
        for name in [gauge::RSS, gauge::CPU, gauge::OPEN_FILES, gauge::STARTED_AT] {
            assert!(has(sample, name), "{name}");
        }
    }
    bed.bed.stop().await;
}

#[tokio::test]
async fn a_node_takes_each_fault() {
    let bed = Bed::start(1, &[]).await;
    assert_eq!(bed.bed.sampled().len(), 1, "a node alone has no broker");
    let length = Duration::from_millis(50);
    for fault in [Fault::Stall { length }, Fault::IgnorePings { length }] {
        bed.apply(Action::Fault { fault }, "n1").await;
    }
    bed.bed.stop().await;
}

#[tokio::test]
async fn a_node_that_ends_by_itself_is_told_of_once() {
    let bed = Bed::start(2, &[]).await;
    bed.kill_outside("n2");
    let ended = std::cell::RefCell::new(Vec::new());
    until(|| {
        ended.borrow_mut().extend(bed.bed.ended());
        !ended.borrow().is_empty()
    })
    .await;
    assert_eq!(
        ended.into_inner(),
        [("n2".to_owned(), "was killed by SIGKILL".to_owned())]
    );
    assert_eq!(bed.bed.ended(), []);
    assert_eq!(bed.http().len(), 2);
    bed.apply(Action::RestartNode, "n2").await;
    bed.kill_outside("broker");
    until(|| bed.bed.ended().iter().any(|(id, _)| id == "broker")).await;
    assert_eq!(bed.pid("broker"), None);
}

#[tokio::test]
async fn an_end_is_told_of_even_if_a_restart_comes_first() {
    let bed = Bed::start(1, &[]).await;
    let pid = bed.pid("n1").unwrap();
    bed.kill_outside("n1");
    until(|| is_gone(pid)).await;
    bed.apply(Action::RestartNode, "n1").await;
    assert_eq!(
        bed.bed.ended(),
        [("n1".to_owned(), "was killed by SIGKILL".to_owned())]
    );
}

#[tokio::test]
async fn a_restarted_node_waits_for_its_port() {
    let bed = Bed::start(1, &[]).await;
    bed.apply(Action::KillNode, "n1").await;
    let taken = TcpListener::bind(address(&bed.http()[0])).unwrap();
    let other = bed.bed.clone();
    let restart = tokio::spawn(async move { other.apply(&event(Action::RestartNode, "n1")).await });
    tokio::task::yield_now().await;
    assert!(!restart.is_finished());
    drop(taken);
    restart.await.unwrap().unwrap();
    get(&format!("{}/readyz", bed.http()[0])).await.unwrap();
}

#[tokio::test]
async fn nothing_lives_on_when_the_last_handle_is_dropped() {
    let bed = Bed::start(2, &[]).await;
    let pids = bed.pids();
    drop(bed);
    until(|| pids.iter().all(|pid| is_gone(*pid))).await;
}

#[tokio::test]
async fn a_node_that_does_not_start_says_why() {
    let logs = tempfile::tempdir().unwrap();
    let (plan, cluster) = plan(1, &[]);
    let spawner = Spawner::start().unwrap();
    // A shell knows no script called `serve`.
    let started = Testbed::start(&plan, &cluster, Path::new("sh"), spawner, logs.path()).await;
    let error = in_full(&started.unwrap_err());
    assert!(
        error.starts_with("n1 did not start: sh exited with status"),
        "{error}"
    );
    assert!(error.contains("serve"), "{error}");
}

#[tokio::test]
async fn an_event_for_an_unknown_node_is_refused() {
    let bed = Bed::start(1, &[]).await;
    for action in [Action::KillNode, Action::RestartNode, Action::DrainNode] {
        let refusal = bed.refusal(action, "n7").await;
        assert_eq!(refusal.to_string(), "there is no node n7");
    }
}
