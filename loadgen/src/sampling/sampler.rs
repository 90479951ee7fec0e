//! One sample of everything at an instant.

use futures_util::future::join_all;
use highwater_reports::record::{Interval, Source, names::gauge};
use reqwest::Client;

use super::{
    Gauges,
    balancer::BalancerEndpoint,
    machine,
    process::{ProcessTable, ProcessTree},
    prometheus,
    scrape::{ScrapeError, scrape},
    scrape_failures::ScrapeFailures,
};
use crate::{
    access::{CertVerification, TlsSetupError},
    broker::{BrokerEndpoint, BrokerSampler},
    error_chain::error_chain,
};

/// A process to sample, by its id on this machine, by what it says of itself, or
/// by both; with neither it is one that is known not to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleTarget {
    /// Whose figures they are.
    pub source: Source,
    /// Process id on this machine.
    pub pid: Option<u32>,
    /// Where it is asked.
    pub endpoint: Option<SampleEndpoint>,
}

/// Where a process says something of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SampleEndpoint {
    /// A Prometheus text endpoint.
    Prometheus {
        /// Its address.
        url: String,
        /// Name of its gauge of open sockets, where it is not a known one.
        sockets_metric: Option<String>,
    },
    /// A broker, each kind in its own way.
    Broker(BrokerEndpoint),
    /// A balancer, each kind in its own way.
    Balancer(BalancerEndpoint),
}

impl SampleTarget {
    /// Its processes on this machine.
    fn process_tree(&self) -> Option<ProcessTree> {
        let pid = self.pid?;
        Some(match &self.endpoint {
            Some(SampleEndpoint::Balancer(balancer)) if balancer.has_children() => {
                ProcessTree::with_children(pid)
            }
            _ => ProcessTree::single(pid),
        })
    }
}

/// Samples processes and the machine. It owns the connections to their
/// endpoints, which stay open between samples.
#[derive(Debug)]
pub struct Sampler {
    clients: EndpointClients,
    processes: ProcessTable,
    failures: ScrapeFailures,
}

/// What endpoints are asked with.
#[derive(Debug)]
struct EndpointClients {
    client: Client,
    brokers: BrokerSampler,
}

impl Sampler {
    /// A sampler that has asked nothing yet, and takes these certificates.
    ///
    /// # Errors
    ///
    /// If the HTTP client cannot be set up.
    pub fn new(trust: &CertVerification) -> Result<Self, TlsSetupError> {
        Ok(Self {
            clients: EndpointClients {
                client: trust.http_client(|client| client)?,
                brokers: BrokerSampler::default(),
            },
            processes: ProcessTable::new(),
            failures: ScrapeFailures::default(),
        })
    }

    /// Samples the processes in the order given, then the machine. `at` is in
    /// seconds on the run's clock.
    ///
    /// All endpoints are asked at once, each for less than a second; one that
    /// does not answer delays no other. Where both the kernel and the endpoint
    /// give a figure, the kernel's is taken.
    pub async fn sample(&mut self, at: f64, of: &[SampleTarget]) -> Vec<Interval> {
        let families: Vec<Option<ProcessTree>> =
            of.iter().map(SampleTarget::process_tree).collect();
        self.processes
            .refresh(families.iter().flatten().flat_map(ProcessTree::pids));
        let asked = &self.clients;
        let processes = &self.processes;
        let samples = of
            .iter()
            .zip(&families)
            .map(|(sampled, family)| async move {
                let family = family.as_ref();
                let kernel = family.and_then(|family| processes.tree_gauges(family));
                let (gauges, failure) = asked.process_gauges(sampled, kernel).await;
                let interval = Interval {
                    at,
                    length: 0.0,
                    source: sampled.source.clone(),
                    counters: Default::default(),
                    gauges,
                };
                (interval, failure)
            });
        let mut intervals = Vec::new();
        for (interval, failure) in join_all(samples).await {
            self.failures.record(&interval.source, failure);
            intervals.push(interval);
        }
        intervals.push(machine::sample(at));
        intervals
    }

    /// Whose Prometheus endpoints have begun to fail since the last time, and why.
    pub fn take_failures(&mut self) -> Vec<(Source, String)> {
        self.failures.take_unreported()
    }
}

impl EndpointClients {
    /// What is known of a process, and why its endpoint said nothing.
    async fn process_gauges(
        &self,
        sampled: &SampleTarget,
        kernel: Option<Gauges>,
    ) -> (Gauges, Option<String>) {
        let runs = kernel.is_some();
        let mut failure = None;
        let (up, mut gauges) = match &sampled.endpoint {
            // Brokers and balancers may run without telling of themselves.
            Some(endpoint @ (SampleEndpoint::Broker(_) | SampleEndpoint::Balancer(_))) => {
                let (answers, gauges, _) = self.endpoint_gauges(endpoint).await;
                (answers || runs, gauges)
            }
            Some(endpoint) => {
                let (up, gauges, reason) = self.endpoint_gauges(endpoint).await;
                failure = reason;
                (up, gauges)
            }
            None => (runs, Gauges::new()),
        };
        gauges.extend(kernel.unwrap_or_default());
        gauges.insert(gauge::UP.into(), f64::from(u8::from(up)));
        (gauges, failure)
    }

    /// Whether the endpoint answered, what it said, and why it said nothing.
    async fn endpoint_gauges(&self, endpoint: &SampleEndpoint) -> (bool, Gauges, Option<String>) {
        match endpoint {
            SampleEndpoint::Prometheus {
                url,
                sockets_metric,
            } => match scrape(&self.client, url).await {
                Ok(text) => {
                    let gauges = prometheus::gauges(&text, sockets_metric.as_deref());
                    (true, gauges, None)
                }
                Err(error) => {
                    let up = matches!(error, ScrapeError::TooLarge { .. });
                    (up, Gauges::new(), Some(error_chain(&error)))
                }
            },
            SampleEndpoint::Broker(endpoint) => {
                let gauges = self.brokers.gauges(&self.client, endpoint).await;
                (gauges.is_some(), gauges.unwrap_or_default(), None)
            }
            SampleEndpoint::Balancer(endpoint) => {
                let gauges = endpoint.gauges(&self.client).await;
                (gauges.is_some(), gauges.unwrap_or_default(), None)
            }
        }
    }
}
