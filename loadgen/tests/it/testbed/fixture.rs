//! A cluster of the `highwater` binary.

use std::{env, net::SocketAddr, path::PathBuf, time::Duration};

use highwater_loadgen::{
    access::CertVerification,
    error_chain::error_chain,
    sampling::SampleTarget,
    testbed::{Testbed, TestbedError},
};
use highwater_process::{Signal, Spawner};
use highwater_scenarios::plan::{
    Action, BalancerKind, ClusterSpec, EventSpec, Join, Plan, SystemSpec,
};
use nix::{sys::signal::kill, unistd::Pid};

pub(super) struct TestbedFixture {
    pub(super) testbed: Testbed,
    /// The folder of the logs, which is removed when the test is over.
    _logs: tempfile::TempDir,
}

impl TestbedFixture {
    pub(super) async fn start(nodes: u32, events: &[EventSpec]) -> Self {
        let (plan, cluster) = plan(nodes, events);
        Self::start_cluster(plan, cluster).await
    }

    /// Starts a cluster behind a balancer that learns of nodes as `join` says.
    pub(super) async fn start_behind(
        balancer: BalancerKind,
        join: Join,
        nodes: u32,
        events: &[EventSpec],
    ) -> Self {
        let (mut plan, cluster) = plan(nodes, events);
        let cluster = ClusterSpec {
            balancer,
            join,
            ..cluster
        };
        plan.system = SystemSpec::Cluster(cluster.clone());
        Self::start_cluster(plan, cluster).await
    }

    async fn start_cluster(plan: Plan, cluster: ClusterSpec) -> Self {
        let logs = tempfile::tempdir().unwrap();
        let spawner = Spawner::start().unwrap();
        let started = Testbed::start(&plan, &cluster, &exe(), spawner, logs.path()).await;
        Self {
            testbed: started.unwrap_or_else(|error| panic!("{}", error_chain(&error))),
            _logs: logs,
        }
    }

    pub(super) async fn apply(&self, action: Action, node: &str) {
        let result = self.testbed.apply(&event(action, node)).await;
        result.unwrap_or_else(|error| panic!("{node}: {}", error_chain(&error)));
    }

    pub(super) async fn apply_error(&self, action: Action, node: &str) -> TestbedError {
        self.testbed.apply(&event(action, node)).await.unwrap_err()
    }

    pub(super) fn http(&self) -> Vec<String> {
        self.testbed.endpoints().http
    }

    pub(super) fn sample_target(&self, id: &str) -> SampleTarget {
        let mut targets = self.testbed.sample_targets().into_iter();
        targets.find(|target| target.source.id == id).unwrap()
    }

    pub(super) fn pid(&self, id: &str) -> Option<u32> {
        self.sample_target(id).pid
    }

    pub(super) fn pids(&self) -> Vec<u32> {
        let targets = self.testbed.sample_targets().into_iter();
        targets.filter_map(|target| target.pid).collect()
    }

    /// Kills a process without the testbed.
    pub(super) fn kill_externally(&self, id: &str) {
        self.signal_externally(id, Signal::SIGKILL);
    }

    /// Sends a signal to a process without the testbed.
    pub(super) fn signal_externally(&self, id: &str, signal: Signal) {
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

pub(super) fn plan(nodes: u32, events: &[EventSpec]) -> (Plan, ClusterSpec) {
    let text = format!(
        r#"
        name = "testbed"
        duration = "1s"
        [cluster]
        nodes = {nodes}
        [[devices]]
        count = 1
        ramp = "1/s"
        "#
    );
    let plan = highwater_scenarios::parse("testbed.toml", &text, &[]);
    let mut plan = plan.unwrap_or_else(|problems| panic!("{problems}"));
    plan.devices.clear();
    plan.events = events.to_vec();
    let SystemSpec::Cluster(cluster) = plan.system.clone() else {
        unreachable!("the text has a cluster")
    };
    (plan, cluster)
}

pub(super) fn event(action: Action, node: &str) -> EventSpec {
    EventSpec {
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
    let client = CertVerification::NoTls
        .http_client(|client| client)
        .unwrap();
    client
        .get(url)
        .send()
        .await?
        .error_for_status()?
        .text()
        .await
}
