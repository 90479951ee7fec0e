//! The cluster that the scenario asks for, or the target that is running
//! already.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use highwater_reports::record::{Role, Source};
use highwater_scenarios::{
    Plan,
    plan::{Event, System as Wanted, Target},
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
    access::{Access, Trust, variables::fill_in},
    clock::RunClock,
    endpoints::Endpoints,
    error_chain::in_full,
    process::Spawner,
    sampling::{Endpoint, Sampled},
    testbed::{Left, Testbed, Told},
};

/// How long a target may take to accept a connection before the run.
const REACH_TIMEOUT: Duration = Duration::from_secs(5);

/// What the load is put on.
#[derive(Clone)]
pub enum System {
    /// A cluster of the harness's own.
    Cluster(Testbed),
    /// Somebody else's, and what is needed to be let in there.
    Target(Box<(Target, Access)>),
}

/// An event of the scenario that was tried.
pub struct Done {
    /// When, in seconds on the run's clock.
    pub at: f64,
    /// The event.
    pub event: Event,
    /// Why it could not be done, if so.
    pub error: Option<String>,
    /// What balancers were told for it.
    pub told: Vec<Told>,
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
                let access = Access {
                    trust: Trust::of_target(target)?,
                    headers: fill_in(&target.headers, |name| std::env::var(name).ok())?,
                    signer: None,
                };
                reach(target, &access.trust).await?;
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
    pub fn access(&self) -> Access {
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
    pub fn doubt(&self) -> Option<String> {
        (self.access().trust == Trust::Anybody).then(|| {
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
    pub fn sampled(&self) -> Vec<Sampled> {
        match self {
            Self::Cluster(testbed) => testbed.sampled(),
            Self::Target(target) => target
                .0
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

    /// Ends what was started; in words, what was found wrong in the end.
    pub async fn stop(&self) -> Vec<String> {
        match self {
            Self::Cluster(testbed) => testbed.stop().await,
            Self::Target(_) => Vec::new(),
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
    let done = Done {
        at,
        event,
        error,
        told: testbed.take_told(),
    };
    // Nobody listens any more when the run is over.
    let _ = tell.send(done).await;
}

/// Asks each address of the target whether anybody listens there, and whether its
/// certificate is taken, before thousands do.
async fn reach(target: &Target, trust: &Trust) -> Result<(), RunError> {
    let tls = TlsConnector::from(Arc::new(trust.configuration()?));
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
        let secure = matches!(uri.scheme_str(), Some("wss" | "https"));
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let stream = match timeout(REACH_TIMEOUT, TcpStream::connect((host, port))).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(silent(error.to_string())),
            Err(_) => return Err(silent("no answer".to_owned())),
        };
        if secure {
            shake_hands(&tls, host, stream)
                .await
                .map_err(|reason| RunError::TargetUntrusted {
                    address: address.clone(),
                    reason,
                })?;
        }
    }
    Ok(())
}

/// Why there is no TLS session with whoever listens there.
async fn shake_hands(tls: &TlsConnector, host: &str, stream: TcpStream) -> Result<(), String> {
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    match timeout(REACH_TIMEOUT, tls.connect(name, stream)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer to the handshake".to_owned()),
    }
}
