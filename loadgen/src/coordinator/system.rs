//! The cluster that the scenario asks for, or the target that is running
//! already.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use highwater_process::Spawner;
use highwater_reports::record::{Source, SourceRole};
use highwater_scenarios::{
    Plan,
    plan::{EventSpec, SystemSpec as Wanted, TargetSpec},
};
use rustls::pki_types::ServerName;
use tokio::{
    net::TcpStream,
    sync::mpsc,
    time::{sleep_until, timeout},
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_util::sync::CancellationToken;

use super::error::RunError;
use crate::{
    access::{CertVerification, ClientAccess, variables::resolve_headers},
    clock::RunClock,
    endpoints::Endpoints,
    error_chain::error_chain,
    sampling::{SampleEndpoint, SampleTarget},
    testbed::{BalancerChange, NodeExit, Testbed},
};

/// How long a target may take to accept a connection before the run.
const REACH_TIMEOUT: Duration = Duration::from_secs(5);

/// What the load is put on.
#[derive(Clone)]
pub enum RunningSystem {
    /// A cluster of the harness's own.
    Cluster(Testbed),
    /// Somebody else's, and what is needed to be let in there.
    Target(Box<(TargetSpec, ClientAccess)>),
}

/// An event of the scenario that was tried.
pub struct EventResult {
    /// When, in seconds on the run's clock.
    pub at: f64,
    /// The event.
    pub event: EventSpec,
    /// Why it could not be done, if so.
    pub error: Option<String>,
    /// What balancers were told for it.
    pub balancer_changes: Vec<BalancerChange>,
}

impl RunningSystem {
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
                let access = ClientAccess {
                    tls_verify: CertVerification::from_target(target)?,
                    headers: resolve_headers(&target.headers, |name| std::env::var(name).ok())?,
                    signer: None,
                };
                check_reachable(target, &access.tls_verify).await?;
                Ok(Self::Target(Box::new((target.clone(), access))))
            }
        }
    }

    /// Where clients are sent now.
    pub fn endpoints(&self) -> Endpoints {
        match self {
            Self::Cluster(testbed) => testbed.endpoints(),
            Self::Target(target) => Endpoints {
                ws: target.0.ws.clone(),
                http: target.0.http.clone(),
            },
        }
    }

    /// What clients need to be let in.
    pub fn access(&self) -> ClientAccess {
        match self {
            Self::Cluster(testbed) => testbed.access(),
            Self::Target(target) => target.1.clone(),
        }
    }

    /// The balancers' configurations in full; `None` where the harness started none.
    pub fn balancer_configuration(&self) -> Option<String> {
        match self {
            Self::Cluster(testbed) => testbed.balancer_configuration(),
            Self::Target(_) => None,
        }
    }

    /// Versions of the programs that the harness started and that are not its own.
    pub async fn versions(&self) -> BTreeMap<String, String> {
        match self {
            Self::Cluster(testbed) => testbed.versions().await,
            Self::Target(_) => BTreeMap::new(),
        }
    }

    /// What makes figures doubtful from the start, in words.
    pub fn verification_warning(&self) -> Option<String> {
        (self.access().tls_verify == CertVerification::Insecure).then(|| {
            "certificates were not verified: `tls.verify` is false, so whoever answered may \
             not have been the target"
                .to_owned()
        })
    }

    /// Where the consumers of readings write down what they have handled; none for a
    /// target, whose consumers are its own.
    pub fn journals(&self) -> Vec<PathBuf> {
        match self {
            Self::Cluster(testbed) => testbed.journals(),
            Self::Target(_) => Vec::new(),
        }
    }

    /// What can be sampled now.
    pub fn sample_targets(&self) -> Vec<SampleTarget> {
        match self {
            Self::Cluster(testbed) => testbed.sample_targets(),
            Self::Target(target) => target
                .0
                .observe
                .iter()
                .map(|observed| SampleTarget {
                    source: Source::new(SourceRole::Node, observed.name.as_str()),
                    pid: observed.pid,
                    endpoint: observed
                        .prometheus
                        .clone()
                        .map(|url| SampleEndpoint::Prometheus {
                            url,
                            sockets_metric: observed.sockets_metric.clone(),
                        }),
                })
                .collect(),
        }
    }

    /// Processes that ended without being asked to, with how; each once.
    pub fn take_unexpected_exits(&self) -> Vec<(String, String)> {
        match self {
            Self::Cluster(testbed) => testbed.take_unexpected_exits(),
            Self::Target(_) => Vec::new(),
        }
    }

    /// Processes that have ended because they were asked to; each end once.
    pub fn take_node_exits(&self) -> Vec<NodeExit> {
        match self {
            Self::Cluster(testbed) => testbed.take_node_exits(),
            Self::Target(_) => Vec::new(),
        }
    }

    /// Does the events when they are due, counted from second `steady`, and
    /// tells of each. Events of one node wait for each other; others do not.
    pub async fn run_events(
        self,
        events: Vec<EventSpec>,
        clock: RunClock,
        steady: u64,
        stop: CancellationToken,
        tell: mpsc::Sender<EventResult>,
    ) {
        let Self::Cluster(testbed) = self else {
            return;
        };
        for event in events {
            tokio::select! {
                () = sleep_until(clock.instant_of_second(steady) + event.at) => {}
                () = stop.cancelled() => return,
            }
            tokio::spawn(run_event(testbed.clone(), event, clock, tell.clone()));
        }
    }

    /// Ends what was started; in words, what was found wrong in the end.
    pub async fn stop(&self) -> Vec<String> {
        match self {
            Self::Cluster(testbed) => testbed.stop().await,
            Self::Target(_) => Vec::new(),
        }
    }
}

async fn run_event(
    testbed: Testbed,
    event: EventSpec,
    clock: RunClock,
    tell: mpsc::Sender<EventResult>,
) {
    let at = clock.now().as_secs_f64();
    let error = testbed
        .apply(&event)
        .await
        .err()
        .map(|error| error_chain(&error));
    let done = EventResult {
        at,
        event,
        error,
        balancer_changes: testbed.take_balancer_changes(),
    };
    // Nobody listens any more when the run is over.
    let _ = tell.send(done).await;
}

/// Asks each address of the target whether anybody listens there, and whether its
/// certificate is taken, before thousands do.
async fn check_reachable(target: &TargetSpec, trust: &CertVerification) -> Result<(), RunError> {
    let tls = TlsConnector::from(Arc::new(trust.client_config()?));
    for address in target.ws.iter().chain(&target.http) {
        let silent = |reason: String| RunError::TargetUnreachable {
            address: address.clone(),
            reason,
        };
        let uri: Uri = address
            .replace("{device}", "0")
            .parse()
            .map_err(|_| silent("it is no address".to_owned()))?;
        let host = uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let secure = matches!(uri.scheme_str(), Some("wss" | "https"));
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let stream = match timeout(REACH_TIMEOUT, TcpStream::connect((host, port))).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(silent(error.to_string())),
            Err(_) => return Err(silent("no answer".to_owned())),
        };
        if secure {
            check_tls_handshake(&tls, host, stream)
                .await
                .map_err(|reason| RunError::TargetTlsFailed {
                    address: address.clone(),
                    reason,
                })?;
        }
    }
    Ok(())
}

/// Why there is no TLS session with whoever listens there.
async fn check_tls_handshake(
    tls: &TlsConnector,
    host: &str,
    stream: TcpStream,
) -> Result<(), String> {
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    match timeout(REACH_TIMEOUT, tls.connect(name, stream)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer to the handshake".to_owned()),
    }
}
