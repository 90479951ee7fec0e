//! The check, before the load, that the processes of a target can be observed.
//!
//! ```text
//! target ─┬─ control group, container ─► exists
//!         ├─ endpoint with own metrics ─► has their series
//!         ├─ process id ───────────────► runs
//!         └─ any other endpoint ───────► answers within 5 s
//! ```

mod answers;

use std::{io, path::PathBuf};

use highwater_scenarios::secrets::mask_address;
use reqwest::Client;
use thiserror::Error;

use super::{
    cgroup,
    container::{ContainerError, Containers},
    known_metrics,
    own_metrics::nearest,
    scrape::{ScrapeError, scrape_metrics, without_decompression},
    target::{MetricsEndpoint, SampleEndpoint, SampleTarget},
};
use crate::access::CertVerification;

/// The reason why a process of a target cannot be observed.
#[derive(Debug, Error)]
pub enum ObserveError {
    /// The endpoint does not answer, and metrics of it are wanted.
    #[error("cannot observe {process}")]
    Endpoint {
        /// The process's name.
        process: String,
        /// The cause.
        source: ScrapeError,
    },
    /// The endpoint has no series of a metric.
    #[error(
        "cannot observe {process}: {url} has no series of the metric `{name}`, `{selector}`{}",
        nearest.as_ref().map_or_else(String::new, |nearest| format!("; {nearest}"))
    )]
    MetricMissing {
        /// The process's name.
        process: String,
        /// The endpoint.
        url: String,
        /// The metric's name in the scenario.
        name: String,
        /// The series that make it up.
        selector: String,
        /// The series or names that are near to it.
        nearest: Option<String>,
    },
    /// The control group does not exist.
    #[error("cannot observe {process}: cannot read the control group {}", folder.display())]
    Cgroup {
        /// The process's name.
        process: String,
        /// The group's folder.
        folder: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The container does not run, or the engine does not answer.
    #[error("cannot observe {process}")]
    Container {
        /// The process's name.
        process: String,
        /// The cause.
        source: ContainerError,
    },
    /// The process does not run, or its endpoint does not answer in time.
    #[error("cannot observe {process}: {reason}")]
    NoAnswer {
        /// The process's name.
        process: String,
        /// The cause.
        reason: String,
    },
    /// The HTTP client cannot be set up.
    #[error(transparent)]
    Client(#[from] crate::access::TlsSetupError),
}

impl ObserveError {
    /// Returns the next step for a person.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Endpoint { .. } => {
                "start the target first, or correct `prometheus`, `headers` or `basic` of its \
                 [[target.observe]]"
            }
            Self::MetricMissing { .. } => {
                "correct the selector; if the process creates the metric later, write \
                 `late_metrics = true` beside it"
            }
            Self::Cgroup { .. } => {
                "name the group that `cat /proc/PID/cgroup` shows behind `0::`, or, with cgroup v1, \
                 memory/GROUP with that behind `:memory:`"
            }
            Self::Container { .. } => {
                "start the container, or name the engine's socket in DOCKER_HOST"
            }
            Self::NoAnswer { .. } => {
                "start it first, or correct `observe` of [target] in the scenario"
            }
            Self::Client(_) => "`tls.ca` names a PEM file, seen from the scenario's folder",
        }
    }
}

/// Checks that every control group exists, every container and process runs, and every endpoint
/// answers and has the metrics that the scenario names. Metrics that may come late are not
/// checked.
///
/// # Errors
///
/// If one of them is missing.
pub(crate) async fn check(
    verification: &CertVerification,
    targets: &[(SampleTarget, MetricsPresence)],
) -> Result<(), ObserveError> {
    let client = verification.http_client(without_decompression)?;
    let containers = Containers::from_environment();
    // An endpoint whose metrics were checked has answered, and is not asked twice.
    let mut unanswered = Vec::new();
    for (target, presence) in targets {
        check_kernel_sources(target, &containers).await?;
        match &target.endpoint {
            Some(SampleEndpoint::Prometheus(endpoint))
                if *presence == MetricsPresence::FromTheStart && !endpoint.metrics.is_empty() =>
            {
                check_metrics(&client, &target.source.id, endpoint).await?;
            }
            _ => unanswered.push(target.clone()),
        }
    }
    answers::check_process_ids(targets.iter().map(|(target, _)| target))?;
    answers::wait_for_answers(&unanswered, verification).await
}

/// Whether an endpoint must have the metrics that the scenario names when the run starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetricsPresence {
    /// The metrics must be there when the run starts.
    FromTheStart,
    /// The metrics may come later.
    Late,
}

async fn check_kernel_sources(
    target: &SampleTarget,
    containers: &Containers,
) -> Result<(), ObserveError> {
    let process = || target.source.id.clone();
    if let Some(folder) = &target.scope.cgroup {
        cgroup::check(folder).map_err(|source| ObserveError::Cgroup {
            process: process(),
            folder: folder.clone(),
            source,
        })?;
    }
    if let Some(name) = &target.scope.container {
        let found = containers.find(name).await;
        found.map_err(|source| ObserveError::Container {
            process: process(),
            source,
        })?;
    }
    Ok(())
}

async fn check_metrics(
    client: &Client,
    process: &str,
    endpoint: &MetricsEndpoint,
) -> Result<(), ObserveError> {
    let answer = scrape_metrics(client, &endpoint.url, &endpoint.headers).await;
    let text = answer.map_err(|source| ObserveError::Endpoint {
        process: process.to_owned(),
        source,
    })?;
    match known_metrics::gauges(&text, endpoint).missing.first() {
        None => Ok(()),
        Some(missing) => Err(ObserveError::MetricMissing {
            process: process.to_owned(),
            url: mask_address(&endpoint.url),
            name: missing.name.clone(),
            selector: missing.selector.to_string(),
            nearest: nearest(missing.selector.metric(), &text),
        }),
    }
}
