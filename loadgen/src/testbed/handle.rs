//! The handle of a running cluster.

use std::{
    collections::BTreeMap,
    mem,
    path::{Path, PathBuf},
    sync::Arc,
};

use highwater_process::Spawner;
use highwater_scenarios::plan::{ClusterSpec, EventSpec, Plan};
use tokio::sync::watch;

use super::{
    TestbedError, actions, balancer::BalancerChange, cluster::ClusterInner,
    consumer::ConsumerProcess, exits::NodeExit,
};
use crate::{
    access::{ClientAccess, SecretString},
    endpoints::Endpoints,
    sampling::SampleTarget,
};

/// A cluster of processes on this machine. Clones are handles of the same cluster; the last
/// handle that is dropped kills its processes.
#[derive(Debug, Clone)]
pub struct Testbed {
    inner: Arc<ClusterInner>,
}

impl Testbed {
    /// Starts the cluster of a scenario: the broker, the nodes, the balancers, the consumers.
    /// A broker that the scenario gives the address of is checked, not started.
    ///
    /// `exe` is the `highwater` binary. Each process logs to `log_dir/ID.log`.
    ///
    /// # Errors
    ///
    /// If a balancer's program is missing, the broker does not answer, or a process is not
    /// ready within 30 seconds. The processes that have started are stopped.
    pub async fn start(
        plan: &Plan,
        cluster: &ClusterSpec,
        exe: &Path,
        spawner: Spawner,
        log_dir: &Path,
    ) -> Result<Self, TestbedError> {
        let inner = ClusterInner::create(plan, cluster, exe, spawner, log_dir).await?;
        let testbed = Self {
            inner: Arc::new(inner),
        };
        if let Err(error) = testbed.inner.start_all(cluster.nodes).await {
            // Processes that did start may have left something at an external broker.
            testbed.stop().await;
            return Err(error);
        }
        Ok(testbed)
    }

    /// Returns the addresses for clients: the balancers, or the nodes by number if there are
    /// no balancers. Killed and paused nodes stay, drained nodes are left out, and restarted
    /// nodes return.
    pub fn endpoints(&self) -> Endpoints {
        self.watch_endpoints().borrow().clone()
    }

    /// Returns the endpoints and their changes. A node is left out as soon as it is asked
    /// to end, in the middle of an event.
    pub fn watch_endpoints(&self) -> watch::Receiver<Endpoints> {
        let inner = &self.inner;
        match inner.load_balancers.is_empty() {
            true => inner.context.registry.endpoints(),
            false => inner.load_balancers.endpoints(),
        }
    }

    /// Returns the certificates and tokens that clients need.
    pub fn access(&self) -> ClientAccess {
        self.inner.context.credentials.access()
    }

    /// Returns the token with which nodes serve operators; `None` if they need none.
    pub fn admin_token(&self) -> Option<SecretString> {
        self.inner.context.credentials.admin_token.clone()
    }

    /// Returns the balancers' configurations in full; `None` without balancers.
    pub fn balancer_configuration(&self) -> Option<String> {
        self.inner.load_balancers.configuration()
    }

    /// Returns the versions of programs that are not part of this project, by name.
    pub async fn versions(&self) -> BTreeMap<String, String> {
        self.inner.load_balancers.versions().await
    }

    /// Takes the changes that balancers have received since the last call.
    pub fn take_balancer_changes(&self) -> Vec<BalancerChange> {
        self.inner.load_balancers.take_changes()
    }

    /// Returns the nodes by number, the broker, the balancers and the consumers. A process
    /// that has ended is included without a process id.
    pub fn sample_targets(&self) -> Vec<SampleTarget> {
        let inner = &self.inner;
        let mut targets = inner.context.registry.sample_targets();
        targets.extend(inner.context.brokers.sample_targets());
        targets.extend(inner.load_balancers.sample_targets());
        let consumers = inner.consumers.iter();
        targets.extend(consumers.filter_map(ConsumerProcess::sample_target));
        targets
    }

    /// Returns the journals in which consumers write the telemetry that they have handled.
    pub fn journals(&self) -> Vec<PathBuf> {
        let consumers = self.inner.consumers.iter();
        consumers.map(|consumer| consumer.journal.clone()).collect()
    }

    /// Applies an event. A node that the event starts is ready and joined when the call
    /// returns. Events of different nodes run at once; a second event of one node waits for
    /// the first.
    ///
    /// # Errors
    ///
    /// If the process of the event does not exist, does not run, rejects the event, or does
    /// not become ready; [`TestbedError::Stopping`] if the cluster is stopped meanwhile.
    pub async fn apply(&self, event: &EventSpec) -> Result<(), TestbedError> {
        tokio::select! {
            // A stop comes first, so that no event starts after it.
            biased;
            () = self.inner.stopping.cancelled() => Err(TestbedError::Stopping),
            applied = actions::apply(&self.inner, event) => applied,
        }
    }

    /// Takes the processes that have ended without a request, each once: name and exit in
    /// words. Never waits: a node that an event works on is checked at the next call.
    pub fn take_unexpected_exits(&self) -> Vec<(String, String)> {
        self.inner.poll_exits();
        mem::take(&mut *self.inner.exits.unexpected.lock())
    }

    /// Takes the nodes that have ended because an event asked them to, each once. Never
    /// waits, like [`Testbed::take_unexpected_exits`].
    pub fn take_node_exits(&self) -> Vec<NodeExit> {
        self.inner.poll_exits();
        mem::take(&mut *self.inner.exits.requested.lock())
    }

    /// Stops the cluster and gives up an event that is running. Every process gets SIGTERM,
    /// and SIGKILL after some seconds. Names of this run at an external broker are removed.
    ///
    /// Returns the problems that were found at the broker, in words.
    pub async fn stop(&self) -> Vec<String> {
        self.inner.stop().await
    }
}
