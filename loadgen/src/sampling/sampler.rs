//! One sample of everything at an instant.

use futures_util::future::join_all;
use highwater_reports::record::{Interval, Source, names::gauge};
use reqwest::Client;

use super::{
    Gauges, machine,
    process::ProcessTable,
    prometheus,
    scrape::{ScrapeError, scrape},
};

/// A process to sample, by its id on this machine, by its Prometheus endpoint,
/// or by both; with neither it is one that is known not to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sampled {
    /// Whose figures they are.
    pub source: Source,
    /// Process id on this machine.
    pub pid: Option<u32>,
    /// Address of a Prometheus text endpoint.
    pub prometheus: Option<String>,
    /// Name of the endpoint's gauge of open sockets, where it is not a known
    /// one.
    pub sockets_metric: Option<String>,
}

/// Samples processes and the machine. It owns the connections to their
/// endpoints, which stay open between samples.
#[derive(Debug)]
pub struct Sampler {
    client: Client,
    processes: ProcessTable,
}

impl Sampler {
    /// A sampler that has asked nothing yet.
    ///
    /// # Errors
    ///
    /// If the HTTP client cannot be set up.
    pub fn new() -> Result<Self, reqwest::Error> {
        Ok(Self {
            client: Client::builder().no_proxy().build()?,
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
        let client = &self.client;
        let processes = &self.processes;
        let samples = of.iter().map(|sampled| async move {
            let kernel = sampled.pid.and_then(|pid| processes.gauges(pid));
            Interval {
                at,
                length: 0.0,
                source: sampled.source.clone(),
                counters: Default::default(),
                gauges: gauges(client, sampled, kernel).await,
            }
        });
        let mut intervals = join_all(samples).await;
        intervals.push(machine::sample(at));
        intervals
    }
}

async fn gauges(client: &Client, sampled: &Sampled, kernel: Option<Gauges>) -> Gauges {
    let running = kernel.is_some();
    let (up, mut gauges) = match &sampled.prometheus {
        Some(url) => endpoint_gauges(client, url, sampled.sockets_metric.as_deref()).await,
        None => (running, Gauges::new()),
    };
    gauges.extend(kernel.unwrap_or_default());
    gauges.insert(gauge::UP.into(), f64::from(u8::from(up)));
    gauges
}

/// Whether the endpoint answered, and what it said.
async fn endpoint_gauges(
    client: &Client,
    url: &str,
    sockets_metric: Option<&str>,
) -> (bool, Gauges) {
    match scrape(client, url).await {
        Ok(text) => (true, prometheus::gauges(&text, sockets_metric)),
        Err(error) => {
            tracing::debug!(%error, "no sample");
            (matches!(error, ScrapeError::TooLarge { .. }), Gauges::new())
        }
    }
}
