//! The cluster that the scenario asks for, or the target that is running
//! already.

use std::{path::Path, time::Duration};

use highwater_reports::record::{Role, Source};
use highwater_scenarios::{
    Plan,
    plan::{Event, System as Wanted, Target},
};
use tokio::{
    net::TcpStream,
    sync::mpsc,
    time::{sleep_until, timeout},
};
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_util::sync::CancellationToken;

use super::error::RunError;
use crate::{
    causes::in_full,
    clock::RunClock,
    endpoints::Endpoints,
    process::Spawner,
    sampling::{Endpoint, Sampled},
    testbed::{Left, Testbed},
};

/// How long a target may take to accept a connection before the run.
const REACH_TIMEOUT: Duration = Duration::from_secs(5);

/// What the load is put on.
#[derive(Clone)]
pub enum System {
    /// A cluster of the harness's own.
    Cluster(Testbed),
    /// Somebody else's.
    Target(Target),
}

/// An event of the scenario that was tried.
pub struct Done {
    /// When, in seconds on the run's clock.
    pub at: f64,
    /// The event.
    pub event: Event,
    /// Why it could not be done, if so.
    pub error: Option<String>,
}

impl System {
    /// Starts what `plan` asks for.
    pub async fn start(
        plan: &Plan,
        exe: &Path,
        spawner: &Spawner,
        logs: &Path,
    ) -> Result<Self, RunError> {
        match &plan.system {
            Wanted::Cluster(cluster) => {
                let spawner = spawner.clone();
                let testbed = Testbed::start(plan, cluster, exe, spawner, logs).await?;
                Ok(Self::Cluster(testbed))
            }
            Wanted::Target(target) => {
                reach(target).await?;
                Ok(Self::Target(target.clone()))
            }
        }
    }

    /// Where clients are sent now.
    pub fn endpoints(&self) -> Endpoints {
        match self {
            Self::Cluster(testbed) => testbed.endpoints(),
            Self::Target(target) => Endpoints {
                ws: target.ws.clone(),
                http: target.http.clone(),
            },
        }
    }

    /// What can be sampled now.
    pub fn sampled(&self) -> Vec<Sampled> {
        match self {
            Self::Cluster(testbed) => testbed.sampled(),
            Self::Target(target) => target
                .observe
                .iter()
                .map(|observed| Sampled {
                    source: Source::new(Role::Node, observed.name.as_str()),
                    pid: observed.pid,
                    endpoint: observed.prometheus.clone().map(|url| Endpoint::Prometheus {
                        url,
                        sockets_metric: observed.sockets_metric.clone(),
                    }),
                })
                .collect(),
        }
    }

    /// Processes that ended without being asked to, with how; each once.
    pub fn ended(&self) -> Vec<(String, String)> {
        match self {
            Self::Cluster(testbed) => testbed.ended(),
            Self::Target(_) => Vec::new(),
        }
    }

    /// Processes that have ended because they were asked to; each end once.
    pub fn left(&self) -> Vec<Left> {
        match self {
            Self::Cluster(testbed) => testbed.left(),
            Self::Target(_) => Vec::new(),
        }
    }

    /// Does the events when they are due, counted from second `steady`, and
    /// tells of each. Events of one node wait for each other; others do not.
    pub async fn do_events(
        self,
        events: Vec<Event>,
        clock: RunClock,
        steady: u64,
        stop: CancellationToken,
        tell: mpsc::Sender<Done>,
    ) {
        let Self::Cluster(testbed) = self else {
            return;
        };
        for event in events {
            tokio::select! {
                () = sleep_until(clock.second(steady) + event.at) => {}
                () = stop.cancelled() => return,
            }
            tokio::spawn(do_event(testbed.clone(), event, clock, tell.clone()));
        }
    }

    /// Ends what was started.
    pub async fn stop(&self) {
        if let Self::Cluster(testbed) = self {
            testbed.stop().await;
        }
    }
}

async fn do_event(testbed: Testbed, event: Event, clock: RunClock, tell: mpsc::Sender<Done>) {
    let at = clock.now().as_secs_f64();
    let error = testbed
        .apply(&event)
        .await
        .err()
        .map(|error| in_full(&error));
    // Nobody listens any more when the run is over.
    let _ = tell.send(Done { at, event, error }).await;
}

/// Asks each address of the target whether anybody listens there, before
/// thousands do.
async fn reach(target: &Target) -> Result<(), RunError> {
    for address in target.ws.iter().chain(&target.http) {
        let silent = |reason: String| RunError::TargetSilent {
            address: address.clone(),
            reason,
        };
        let uri: Uri = address
            .replace("{device}", "0")
            .parse()
            .map_err(|_| silent("it is no address".to_owned()))?;
        let host = uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or(80);
        match timeout(REACH_TIMEOUT, TcpStream::connect((host, port))).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(silent(error.to_string())),
            Err(_) => return Err(silent("no answer".to_owned())),
        }
    }
    Ok(())
}
