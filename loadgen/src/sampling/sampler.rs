//! One sample of everything at an instant.

use futures_util::future::join_all;
use highwater_reports::record::{Interval, Source, names::gauge};
use reqwest::Client;

use super::{
    Gauges,
    broker::{BrokerClient, BrokerEndpoint},
    machine,
    process::ProcessTable,
    prometheus,
    scrape::{ScrapeError, scrape},
};

/// A process to sample, by its id on this machine, by what it says of itself, or
/// by both; with neither it is one that is known not to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sampled {
    /// Whose figures they are.
    pub source: Source,
    /// Process id on this machine.
    pub pid: Option<u32>,
    /// Where it is asked.
    pub endpoint: Option<Endpoint>,
}

/// Where a process says something of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A Prometheus text endpoint.
    Prometheus {
        /// Its address.
        url: String,
        /// Name of its gauge of open sockets, where it is not a known one.
        sockets_metric: Option<String>,
    },
    /// A broker, each kind in its own way.
    Broker(BrokerEndpoint),
}

/// Samples processes and the machine. It owns the connections to their
/// endpoints, which stay open between samples.
#[derive(Debug)]
pub struct Sampler {
    asked: Asked,
    processes: ProcessTable,
}

/// What endpoints are asked with.
#[derive(Debug)]
struct Asked {
    client: Client,
    brokers: BrokerClient,
}

impl Sampler {
    /// A sampler that has asked nothing yet.
    ///
    /// # Errors
    ///
    /// If the HTTP client cannot be set up.
    pub fn new() -> Result<Self, reqwest::Error> {
        Ok(Self {
            asked: Asked {
                client: Client::builder().no_proxy().build()?,
                brokers: BrokerClient::default(),
            },
            processes: ProcessTable::new(),
        })
    }

    /// Samples the processes in the order given, then the machine. `at` is in
    /// seconds on the run's clock.
    ///
    /// All endpoints are asked at once, each for less than a second; one that
    /// does not answer delays no other. Where both the kernel and the endpoint
    /// give a figure, the kernel's is taken.
    pub async fn sample(&mut self, at: f64, of: &[Sampled]) -> Vec<Interval> {
        self.processes
            .refresh(of.iter().filter_map(|sampled| sampled.pid));
        let asked = &self.asked;
        let processes = &self.processes;
        let samples = of.iter().map(|sampled| async move {
            let kernel = sampled.pid.and_then(|pid| processes.gauges(pid));
            Interval {
                at,
                length: 0.0,
                source: sampled.source.clone(),
                counters: Default::default(),
                gauges: asked.gauges(sampled, kernel).await,
            }
        });
        let mut intervals = join_all(samples).await;
        intervals.push(machine::sample(at));
        intervals
    }
}

impl Asked {
    async fn gauges(&self, sampled: &Sampled, kernel: Option<Gauges>) -> Gauges {
        let runs = kernel.is_some();
        let (up, mut gauges) = match &sampled.endpoint {
            // A broker may run without telling of itself.
            Some(endpoint @ Endpoint::Broker(_)) => {
                let (answers, gauges) = self.endpoint_gauges(endpoint).await;
                (answers || runs, gauges)
            }
            Some(endpoint) => self.endpoint_gauges(endpoint).await,
            None => (runs, Gauges::new()),
        };
        gauges.extend(kernel.unwrap_or_default());
        gauges.insert(gauge::UP.into(), f64::from(u8::from(up)));
        gauges
    }

    /// Whether the endpoint answered, and what it said.
    async fn endpoint_gauges(&self, endpoint: &Endpoint) -> (bool, Gauges) {
        match endpoint {
            Endpoint::Prometheus {
                url,
                sockets_metric,
            } => match scrape(&self.client, url).await {
                Ok(text) => (true, prometheus::gauges(&text, sockets_metric.as_deref())),
                Err(error) => {
                    tracing::debug!(%error, "no sample");
                    (matches!(error, ScrapeError::TooLarge { .. }), Gauges::new())
                }
            },
            Endpoint::Broker(endpoint) => {
                let gauges = self.brokers.gauges(&self.client, endpoint).await;
                (gauges.is_some(), gauges.unwrap_or_default())
            }
        }
    }
}
