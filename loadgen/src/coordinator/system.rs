//! The system under test: the cluster that the scenario asks for, or a running target.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use highwater_process::Spawner;
use highwater_scenarios::{
    Plan,
    plan::{EventSpec, SystemSpec, TargetSpec},
};
use tokio::{sync::mpsc, time::sleep_until};
use tokio_util::sync::CancellationToken;

use super::{error::RunError, observed::observed_targets, target_check::check_reachable};
use crate::{
    access::{CertVerification, ClientAccess, SecretString},
    clock::RunClock,
    endpoints::Endpoints,
    error_chain::error_chain,
    sampling::SampleTarget,
    testbed::{BalancerChange, NodeExit, Testbed},
    worker::frames::pool_protocol::variable_names,
};

/// The system under test, once it runs.
#[derive(Clone)]
pub enum RunningSystem {
    /// A cluster that the harness started.
    Cluster(Testbed),
    /// A system that was already running.
    Target(Box<RunningTarget>),
}

/// A target and the access of clients to it.
#[derive(Clone)]
pub struct RunningTarget {
    spec: TargetSpec,
    access: ClientAccess,
    /// The processes that are sampled.
    observed: Vec<SampleTarget>,
}

/// The result of an event of the scenario.
pub struct EventResult {
    /// Time at which it began, in seconds on the run's clock.
    pub at: f64,
    /// The event.
    pub event: EventSpec,
    /// The cause, if the event failed.
    pub error: Option<String>,
    /// The changes of the balancers' configuration that it needed.
    pub balancer_changes: Vec<BalancerChange>,
}

impl RunningSystem {
    /// Starts the cluster that `plan` asks for, or checks its target.
    pub async fn start(
        plan: &Plan,
        exe: &Path,
        spawner: &Spawner,
        logs: &Path,
    ) -> Result<Self, RunError> {
        match &plan.system {
            SystemSpec::Cluster(cluster) => {
                let spawner = spawner.clone();
                let testbed = Testbed::start(plan, cluster, exe, spawner, logs).await?;
                Ok(Self::Cluster(testbed))
            }
            SystemSpec::Target(target) => {
                let look_up = |name: &str| std::env::var(name).ok();
                let variables = variable_names(plan)?;
                let access = ClientAccess::from_target(plan, target, &variables, look_up)?;
                check_reachable(plan, &access).await?;
                let observed =
                    observed_targets(&target.observe, &access.tls_verify, look_up).await?;
                Ok(Self::Target(Box::new(RunningTarget {
                    spec: target.clone(),
                    access,
                    observed,
                })))
            }
        }
    }

    /// Returns the addresses that clients use now.
    pub fn endpoints(&self) -> Endpoints {
        match self {
            Self::Cluster(testbed) => testbed.endpoints(),
            Self::Target(target) => target.endpoints(),
        }
    }

    /// Returns the certificates, header fields and tokens of clients.
    pub fn access(&self) -> ClientAccess {
        match self {
            Self::Cluster(testbed) => testbed.access(),
            Self::Target(target) => target.access.clone(),
        }
    }

    /// Returns the token with which nodes show their metrics; `None` if they need none.
    pub fn admin_token(&self) -> Option<SecretString> {
        self.testbed().and_then(Testbed::admin_token)
    }

    /// Returns the balancers' configurations in full; `None` if the harness started none.
    pub fn balancer_configuration(&self) -> Option<String> {
        self.testbed().and_then(Testbed::balancer_configuration)
    }

    /// Returns the versions of other projects' programs that the harness started.
    pub async fn versions(&self) -> BTreeMap<String, String> {
        match self.testbed() {
            Some(testbed) => testbed.versions().await,
            None => BTreeMap::new(),
        }
    }

    /// Returns a warning if certificates are not verified.
    pub fn verification_warning(&self) -> Option<String> {
        (self.access().tls_verify == CertVerification::Insecure).then(|| {
            "certificates were not verified: `tls.verify` is false, so another server than \
             the target may have answered"
                .to_owned()
        })
    }

    /// Returns the journals in which consumers record the telemetry that they have handled.
    /// A target has none: its consumers are not the harness's.
    pub fn journals(&self) -> Vec<PathBuf> {
        self.testbed().map(Testbed::journals).unwrap_or_default()
    }

    /// Returns the processes that can be sampled now.
    pub fn sample_targets(&self) -> Vec<SampleTarget> {
        match self {
            Self::Cluster(testbed) => testbed.sample_targets(),
            Self::Target(target) => target.observed.clone(),
        }
    }

    /// Takes the ids and statuses of processes that ended without being asked to.
    pub fn take_unexpected_exits(&self) -> Vec<(String, String)> {
        let exits = self.testbed().map(Testbed::take_unexpected_exits);
        exits.unwrap_or_default()
    }

    /// Takes the exits of processes that were asked to end.
    pub fn take_node_exits(&self) -> Vec<NodeExit> {
        let exits = self.testbed().map(Testbed::take_node_exits);
        exits.unwrap_or_default()
    }

    /// Runs the events when they are due, counted from second `steady`, and sends the result
    /// of each. Events of one node wait for each other; others do not.
    pub async fn run_events(
        self,
        events: Vec<EventSpec>,
        clock: RunClock,
        steady: u64,
        stop: CancellationToken,
        results: mpsc::Sender<EventResult>,
    ) {
        // A scenario's rules reject events for a target.
        let Some(testbed) = self.testbed() else {
            return;
        };
        for event in events {
            tokio::select! {
                () = sleep_until(clock.instant_of_second(steady) + event.at) => {}
                () = stop.cancelled() => return,
            }
            // A task per event: one that takes long must not delay the next.
            tokio::spawn(run_event(testbed.clone(), event, clock, results.clone()));
        }
    }

    /// Returns the cluster that the harness started; `None` for a target.
    fn testbed(&self) -> Option<&Testbed> {
        match self {
            Self::Cluster(testbed) => Some(testbed),
            Self::Target(_) => None,
        }
    }

    /// Stops the processes that were started. Returns the problems found at their end, as
    /// text.
    pub async fn stop(&self) -> Vec<String> {
        match self.testbed() {
            Some(testbed) => testbed.stop().await,
            None => Vec::new(),
        }
    }
}

impl RunningTarget {
    fn endpoints(&self) -> Endpoints {
        let http = self.spec.http.iter();
        let http = http.map(|address| {
            // The origin was checked when the target was.
            let origin = self.access.environment.origin(address);
            match (&self.access.server_name, origin) {
                (Some(server_name), Ok(origin)) => server_name.apply_to(address, &origin),
                _ => address.clone(),
            }
        });
        Endpoints {
            ws: self.spec.ws.clone(),
            http: http.collect(),
        }
    }
}

async fn run_event(
    testbed: Testbed,
    event: EventSpec,
    clock: RunClock,
    results: mpsc::Sender<EventResult>,
) {
    let at = clock.now().as_secs_f64();
    // Data, not an `Err`: an event that fails is a finding of the run.
    let error = testbed.apply(&event).await.err();
    let result = EventResult {
        at,
        event,
        error: error.map(|error| error_chain(&error)),
        balancer_changes: testbed.take_balancer_changes(),
    };
    // An error says that the run has ended: nothing records the result any more.
    let _ = results.send(result).await;
}
