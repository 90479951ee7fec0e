//! One sample of every process at one instant.

use futures_util::future::join_all;
use highwater_reports::record::{Interval, Source, names::gauge};
use highwater_scenarios::{plan::OwnMetric, secrets::mask_address};
use reqwest::Client;

use super::{
    cgroup,
    container::Containers,
    gauges::{Gauges, sample_interval},
    known_metrics, machine,
    named_metrics::{NamedMetric, NamedMetrics},
    process::ProcessTable,
    process_tree::ProcessTree,
    prometheus::MappedGauges,
    scrape::{ScrapeError, scrape_metrics, without_decompression},
    scrape_failures::ScrapeFailures,
    target::{MetricsEndpoint, SampleEndpoint, SampleTarget},
};
use crate::{
    access::{CertVerification, SecretString, TlsSetupError, bearer_headers},
    error_chain::error_chain,
};

/// A sampler of processes and of the machine. It owns the connections to HTTP endpoints,
/// which stay open between samples.
#[derive(Debug)]
pub struct Sampler {
    client: Client,
    processes: ProcessTable,
    failures: ScrapeFailures,
    named_metrics: NamedMetrics,
    containers: Containers,
}

/// An endpoint's answer to one request.
#[derive(Debug, Default)]
struct EndpointAnswer {
    is_up: bool,
    gauges: Gauges,
    /// The reason why there are no gauges, where a person should know it.
    failure: Option<String>,
    /// The metrics that the scenario names for this endpoint, if it answered.
    named: Option<NamedAnswer>,
}

/// The metrics that an answer has or lacks.
#[derive(Debug)]
struct NamedAnswer {
    url: String,
    present: Vec<NamedMetric>,
    missing: Vec<NamedMetric>,
    /// The answer, if it lacks one of them.
    text: Option<String>,
}

impl Sampler {
    /// A sampler that verifies certificates of endpoints as `verification` says.
    ///
    /// # Errors
    ///
    /// If the HTTP client cannot be set up.
    pub fn new(verification: &CertVerification) -> Result<Self, TlsSetupError> {
        Self::authorized(verification, None)
    }

    /// A sampler that sends a bearer token to endpoints.
    ///
    /// # Errors
    ///
    /// If the HTTP client cannot be set up.
    pub fn authorized(
        verification: &CertVerification,
        bearer: Option<&SecretString>,
    ) -> Result<Self, TlsSetupError> {
        let headers = bearer_headers(bearer);
        Ok(Self {
            client: verification
                .http_client(|client| without_decompression(client.default_headers(headers)))?,
            processes: ProcessTable::default(),
            failures: ScrapeFailures::default(),
            named_metrics: NamedMetrics::default(),
            containers: Containers::from_environment(),
        })
    }

    /// Samples the targets in the given order, then the machine. `at` is in seconds on the
    /// run's clock.
    ///
    /// All endpoints are asked at once, each for less than a second, so one that hangs
    /// delays no other. If both the kernel and the endpoint report a gauge, the kernel's
    /// value is taken.
    pub async fn sample(&mut self, at: f64, targets: &[SampleTarget]) -> Vec<Interval> {
        let targets = self.containers.resolve(targets).await;
        // The kernel first and for all at once: reading takes microseconds a process, while an
        // endpoint may take most of a second.
        let kernel = self.kernel_gauges(&targets);
        let client = &self.client;
        let samples = targets
            .iter()
            .zip(kernel)
            .map(|(target, kernel)| process_gauges(client, target.endpoint.as_ref(), kernel));
        let answers = join_all(samples).await;
        let mut intervals = Vec::new();
        for (target, answer) in targets.iter().zip(answers) {
            self.failures.record(&target.source, answer.failure);
            if let Some(named) = answer.named {
                record_named(&mut self.named_metrics, &target.source, named);
            }
            intervals.push(sample_interval(at, target.source.clone(), answer.gauges));
        }
        intervals.push(machine::sample(at));
        intervals
    }

    /// Reads the kernel's values of each target; `None` for one that does not run here.
    fn kernel_gauges(&mut self, targets: &[SampleTarget]) -> Vec<Option<Gauges>> {
        let trees: Vec<Option<ProcessTree>> =
            targets.iter().map(SampleTarget::process_tree).collect();
        self.processes
            .refresh_trees(&trees.iter().flatten().collect::<Vec<_>>());
        let processes = &mut self.processes;
        targets
            .iter()
            .zip(&trees)
            .map(|(target, tree)| {
                let process = tree.as_ref().and_then(|tree| processes.tree_gauges(tree));
                let cgroup = target.scope.cgroup.as_deref().and_then(cgroup::gauges);
                match (process, cgroup) {
                    (Some(mut process), Some(cgroup)) => {
                        // A group counts every process in it and shared memory once.
                        process.extend(cgroup);
                        Some(process)
                    }
                    (process, cgroup) => process.or(cgroup),
                }
            })
            .collect()
    }

    /// Takes the Prometheus endpoints that have begun to fail since the last call, with the
    /// reasons.
    pub fn take_failures(&mut self) -> Vec<(Source, String)> {
        self.failures.take_unreported()
    }

    /// Returns the processes that never showed a metric that the scenario names for them, and
    /// those that stopped to show one, with the reasons.
    pub fn named_metric_problems(&self) -> Vec<(Source, String)> {
        self.named_metrics.problems()
    }
}

fn record_named(metrics: &mut NamedMetrics, source: &Source, named: NamedAnswer) {
    let NamedAnswer {
        url,
        present,
        missing,
        text,
    } = named;
    for metric in present {
        metrics.record(source, &url, metric, None);
    }
    for metric in missing {
        metrics.record(source, &url, metric, text.as_deref());
    }
}

/// Joins the kernel's values of a process with the answer of its endpoint.
async fn process_gauges(
    client: &Client,
    endpoint: Option<&SampleEndpoint>,
    kernel: Option<Gauges>,
) -> EndpointAnswer {
    let mut answer = match endpoint {
        Some(endpoint) => ask(client, endpoint).await,
        None => EndpointAnswer::default(),
    };
    // A node that runs and does not answer is down for its clients. A broker or a balancer
    // may run without reporting about itself, so its process alone counts as up.
    if !matches!(endpoint, Some(SampleEndpoint::Prometheus { .. })) {
        answer.is_up |= kernel.is_some();
    }
    // Extended last, so that the kernel's values replace those of the endpoint, which may be
    // seconds old.
    answer.gauges.extend(kernel.unwrap_or_default());
    answer
        .gauges
        .insert(gauge::UP.into(), f64::from(answer.is_up));
    answer
}

async fn ask(client: &Client, endpoint: &SampleEndpoint) -> EndpointAnswer {
    match endpoint {
        SampleEndpoint::Prometheus(endpoint) => {
            match scrape_metrics(client, &endpoint.url, &endpoint.headers).await {
                Ok(text) => prometheus_answer(endpoint, text),
                Err(error) => EndpointAnswer {
                    // An answer that is too large is still an answer.
                    is_up: matches!(error, ScrapeError::TooLarge { .. }),
                    failure: Some(error_chain(&error)),
                    ..EndpointAnswer::default()
                },
            }
        }
        SampleEndpoint::Native(source) => {
            let gauges = source.read(client).await;
            EndpointAnswer {
                is_up: gauges.is_some(),
                gauges: gauges.unwrap_or_default(),
                ..EndpointAnswer::default()
            }
        }
    }
}

fn prometheus_answer(endpoint: &MetricsEndpoint, text: String) -> EndpointAnswer {
    let url = &mask_address(&endpoint.url);
    let MappedGauges {
        gauges,
        missing,
        broken,
        impossible,
    } = known_metrics::gauges(&text, endpoint);
    let sockets = endpoint.sockets_metric.clone().map(NamedMetric::Sockets);
    let has_sockets = gauges.contains_key(gauge::SOCKETS_OPEN);
    let own = endpoint.metrics.iter().map(|metric| {
        let is_present = !missing.contains(&metric);
        (named_metric(metric), is_present)
    });
    let (present, missing): (Vec<_>, Vec<_>) = sockets
        .map(|sockets| (sockets, has_sockets))
        .into_iter()
        .chain(own)
        .partition(|(_, is_present)| *is_present);
    let metrics = |named: Vec<(NamedMetric, bool)>| named.into_iter().map(|(metric, _)| metric);
    let broken = broken.map(|(first, lines)| match lines {
        1 => format!("cannot read a line of {url}: {first}"),
        _ => format!("cannot read {lines} lines of {url}, the first is {first}"),
    });
    let impossible = impossible.map(|value| format!("cannot use a metric of {url}: {value}"));
    EndpointAnswer {
        is_up: true,
        failure: broken.or(impossible),
        gauges,
        named: Some(NamedAnswer {
            url: url.clone(),
            text: (!missing.is_empty()).then_some(text),
            present: metrics(present).collect(),
            missing: metrics(missing).collect(),
        }),
    }
}

fn named_metric(metric: &OwnMetric) -> NamedMetric {
    NamedMetric::Own {
        name: metric.name.clone(),
        metric: metric.selector.metric().to_owned(),
        selector: metric.selector.as_str().to_owned(),
    }
}
