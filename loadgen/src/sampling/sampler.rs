//! One sample of every process at one instant.

use std::sync::Arc;

use futures_util::future::join_all;
use highwater_reports::record::{Interval, Source, names::gauge};
use highwater_scenarios::secrets::mask_address;
use reqwest::Client;

use super::{
    gauges::{GaugeSource, Gauges, sample_interval},
    known_metrics, machine,
    named_metrics::{MissingMetric, NamedMetrics},
    process::{ProcessTable, ProcessTree},
    prometheus::MappedGauges,
    scrape::{ScrapeError, scrape},
    scrape_failures::ScrapeFailures,
};
use crate::{
    access::{CertVerification, SecretString, TlsSetupError, bearer_headers},
    error_chain::error_chain,
};

/// A process to sample, by its id on this machine, by its own report, or by both. A target
/// with neither is a process that is known not to run.
#[derive(Debug, Clone)]
pub struct SampleTarget {
    /// The source that the record names for the sample.
    pub source: Source,
    /// The process id on this machine.
    pub pid: Option<u32>,
    /// The endpoint at which the process reports about itself.
    pub endpoint: Option<SampleEndpoint>,
}

/// An endpoint at which a process reports about itself.
#[derive(Debug, Clone)]
pub enum SampleEndpoint {
    /// A Prometheus text endpoint.
    Prometheus {
        /// The address.
        url: String,
        /// The name of its metric of open sockets, if it is not a known one.
        sockets_metric: Option<String>,
    },
    /// A broker or a balancer, in its own protocol.
    Native(Arc<dyn GaugeSource>),
}

/// A sampler of processes and of the machine. It owns the connections to HTTP endpoints,
/// which stay open between samples.
#[derive(Debug)]
pub struct Sampler {
    client: Client,
    processes: ProcessTable,
    failures: ScrapeFailures,
    named_metrics: NamedMetrics,
}

/// An endpoint's answer to one request.
#[derive(Debug, Default)]
struct EndpointAnswer {
    is_up: bool,
    gauges: Gauges,
    /// The reason why there are no gauges, where a person should know it.
    failure: Option<String>,
    /// The metric that the scenario names for this endpoint.
    named_metric: Option<NamedMetric>,
}

/// Whether an answer has the metric that the scenario names.
#[derive(Debug)]
enum NamedMetric {
    Present,
    Missing(MissingMetric),
}

impl SampleTarget {
    /// Returns the processes on this machine that belong to the target.
    fn process_tree(&self) -> Option<ProcessTree> {
        let has_children = match &self.endpoint {
            Some(SampleEndpoint::Native(source)) => source.has_children(),
            _ => false,
        };
        Some(ProcessTree::read(self.pid?, has_children))
    }
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
            client: verification.http_client(|client| client.default_headers(headers))?,
            processes: ProcessTable::default(),
            failures: ScrapeFailures::default(),
            named_metrics: NamedMetrics::default(),
        })
    }

    /// Samples the targets in the given order, then the machine. `at` is in seconds on the
    /// run's clock.
    ///
    /// All endpoints are asked at once, each for less than a second, so one that hangs
    /// delays no other. If both the kernel and the endpoint report a gauge, the kernel's
    /// value is taken.
    pub async fn sample(&mut self, at: f64, targets: &[SampleTarget]) -> Vec<Interval> {
        let trees: Vec<Option<ProcessTree>> =
            targets.iter().map(SampleTarget::process_tree).collect();
        // The kernel first and for all at once: reading takes microseconds a process, while an
        // endpoint may take most of a second.
        self.processes
            .refresh(trees.iter().flatten().flat_map(ProcessTree::pids));
        let (client, processes) = (&self.client, &self.processes);
        let samples = targets.iter().zip(&trees).map(|(target, tree)| async move {
            let kernel = tree.as_ref().and_then(|tree| processes.tree_gauges(tree));
            let answer = process_gauges(client, target.endpoint.as_ref(), kernel).await;
            let interval = sample_interval(at, target.source.clone(), answer.gauges);
            (interval, answer.failure, answer.named_metric)
        });
        let mut intervals = Vec::new();
        for (interval, failure, named_metric) in join_all(samples).await {
            self.failures.record(&interval.source, failure);
            match named_metric {
                Some(NamedMetric::Present) => self.named_metrics.record(&interval.source, None),
                Some(NamedMetric::Missing(missing)) => {
                    self.named_metrics.record(&interval.source, Some(missing));
                }
                None => {}
            }
            intervals.push(interval);
        }
        intervals.push(machine::sample(at));
        intervals
    }

    /// Takes the Prometheus endpoints that have begun to fail since the last call, with the
    /// reasons.
    pub fn take_failures(&mut self) -> Vec<(Source, String)> {
        self.failures.take_unreported()
    }

    /// Returns the processes that never showed the metric that the scenario names for them,
    /// with the reasons.
    pub fn never_seen_metrics(&self) -> Vec<(Source, String)> {
        self.named_metrics.never_seen()
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
        SampleEndpoint::Prometheus {
            url,
            sockets_metric,
        } => match scrape(client, url).await {
            Ok(text) => prometheus_answer(url, &text, sockets_metric.as_deref()),
            Err(error) => EndpointAnswer {
                // An answer that is too large is still an answer.
                is_up: matches!(error, ScrapeError::TooLarge { .. }),
                failure: Some(error_chain(&error)),
                ..EndpointAnswer::default()
            },
        },
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

fn prometheus_answer(url: &str, text: &str, sockets_metric: Option<&str>) -> EndpointAnswer {
    let url = &mask_address(url);
    let MappedGauges { gauges, broken } = known_metrics::gauges(text, sockets_metric);
    let named_metric = sockets_metric.map(|name| match gauges.contains_key(gauge::SOCKETS_OPEN) {
        true => NamedMetric::Present,
        false => NamedMetric::Missing(MissingMetric::new(url, name, text)),
    });
    EndpointAnswer {
        is_up: true,
        gauges,
        failure: broken.map(|(first, lines)| match lines {
            1 => format!("cannot read a line of {url}: {first}"),
            _ => format!("cannot read {lines} lines of {url}, the first is {first}"),
        }),
        named_metric,
    }
}
