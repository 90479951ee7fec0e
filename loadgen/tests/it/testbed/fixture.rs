//! A cluster of the `highwater` binary, and what is asked of it.

use std::{env, net::SocketAddr, path::PathBuf, time::Duration};

use highwater_loadgen::{
    access::Trust,
    error_chain::in_full,
    process::{Signal, Spawner},
    sampling::Sampled,
    testbed::{Testbed, TestbedError},
};
use highwater_scenarios::plan::{
    Action, Backplane, Balancer, Cluster, Consumers, Event, Join, Measure, Plan, Policy, Routing,
    System,
};
use nix::{sys::signal::kill, unistd::Pid};

pub(super) struct Bed {
    pub(super) bed: Testbed,
    /// Holds the logs until the test is over.
    _logs: tempfile::TempDir,
}

impl Bed {
    pub(super) async fn start(nodes: u32, events: &[Event]) -> Self {
        let (plan, cluster) = plan(nodes, events);
        Self::start_cluster(plan, cluster).await
    }

    /// With a balancer in front that learns of nodes in this way.
    pub(super) async fn start_behind(
        balancer: Balancer,
        join: Join,
        nodes: u32,
        events: &[Event],
    ) -> Self {
        let (mut plan, cluster) = plan(nodes, events);
        let cluster = Cluster {
            balancer,
            join,
            ..cluster
        };
        plan.system = System::Cluster(cluster.clone());
        Self::start_cluster(plan, cluster).await
    }

    async fn start_cluster(plan: Plan, cluster: Cluster) -> Self {
        let logs = tempfile::tempdir().unwrap();
        let spawner = Spawner::start().unwrap();
        let bed = Testbed::start(&plan, &cluster, &exe(), spawner, logs.path()).await;
        Self {
            bed: bed.unwrap_or_else(|error| panic!("{}", in_full(&error))),
            _logs: logs,
        }
    }

    pub(super) async fn apply(&self, action: Action, node: &str) {
        let applied = self.bed.apply(&event(action, node)).await;
        applied.unwrap_or_else(|error| panic!("{node}: {}", in_full(&error)));
    }

    pub(super) async fn refusal(&self, action: Action, node: &str) -> TestbedError {
        self.bed.apply(&event(action, node)).await.unwrap_err()
    }

    pub(super) fn http(&self) -> Vec<String> {
        self.bed.endpoints().http
    }

    pub(super) fn sampled(&self, id: &str) -> Sampled {
        let mut sampled = self.bed.sampled().into_iter();
        sampled.find(|sampled| sampled.source.id == id).unwrap()
    }

    pub(super) fn pid(&self, id: &str) -> Option<u32> {
        self.sampled(id).pid
    }

    pub(super) fn pids(&self) -> Vec<u32> {
        let sampled = self.bed.sampled().into_iter();
        sampled.filter_map(|sampled| sampled.pid).collect()
    }

    /// Ends a node's process behind the testbed's back.
    pub(super) fn kill_outside(&self, id: &str) {
        self.signal_outside(id, Signal::SIGKILL);
    }

    /// Sends a signal to a process behind the testbed's back.
    pub(super) fn signal_outside(&self, id: &str, signal: Signal) {
        let pid = Pid::from_raw(self.pid(id).unwrap().cast_signed());
        kill(pid, signal).unwrap();
    }
}

pub(super) fn exe() -> PathBuf {
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

pub(super) fn plan(nodes: u32, events: &[Event]) -> (Plan, Cluster) {
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

pub(super) fn event(action: Action, node: &str) -> Event {
    Event {
        name: None,
        at: Duration::ZERO,
        node: node.into(),
        action,
    }
}

pub(super) fn address(http: &str) -> SocketAddr {
    http.strip_prefix("http://").unwrap().parse().unwrap()
}

pub(super) async fn get(url: &str) -> Result<String, reqwest::Error> {
    let client = Trust::Nobody.http_client(|client| client).unwrap();
    client
        .get(url)
        .send()
        .await?
        .error_for_status()?
        .text()
        .await
}
