//! The processes that are sampled.

use std::{path::PathBuf, sync::Arc};

use highwater_reports::record::Source;
use highwater_scenarios::plan::OwnMetric;
use reqwest::header::HeaderMap;

use super::{gauges::GaugeSource, process_tree::ProcessTree};

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
    /// The scope of the kernel's values.
    pub scope: ProcessScope,
}

/// The processes of this machine that the kernel's values of a target cover.
#[derive(Debug, Clone, Default)]
pub struct ProcessScope {
    /// Whether the children of the process count as parts of it.
    pub has_children: bool,
    /// The folder of the control group that replaces memory and CPU time of the process.
    pub cgroup: Option<PathBuf>,
    /// The container that the process and the control group are those of.
    pub container: Option<String>,
}

/// An endpoint at which a process reports about itself.
#[derive(Debug, Clone)]
pub enum SampleEndpoint {
    /// A metrics endpoint, in the text format of Prometheus or in OpenMetrics.
    Prometheus(Arc<MetricsEndpoint>),
    /// A broker or a balancer, in its own protocol.
    Native(Arc<dyn GaugeSource>),
}

/// A metrics endpoint, and the metrics that the scenario names for it.
#[derive(Debug, Clone, Default)]
pub struct MetricsEndpoint {
    /// The address.
    pub url: String,
    /// Header fields of each request.
    pub headers: HeaderMap,
    /// The name of its metric of open sockets, if it is not a known one.
    pub sockets_metric: Option<String>,
    /// Further metrics.
    pub metrics: Vec<OwnMetric>,
}

impl SampleTarget {
    /// A target without children, control group and container.
    pub fn new(source: Source, pid: Option<u32>, endpoint: Option<SampleEndpoint>) -> Self {
        Self {
            source,
            pid,
            endpoint,
            scope: ProcessScope::default(),
        }
    }

    /// Returns the processes on this machine that belong to the target.
    pub(super) fn process_tree(&self) -> Option<ProcessTree> {
        let does_work_in_children = match &self.endpoint {
            Some(SampleEndpoint::Native(source)) => source.has_children(),
            _ => self.scope.has_children,
        };
        let pid = self.pid?;
        Some(match does_work_in_children {
            true => ProcessTree::read(pid),
            false => ProcessTree::alone(pid),
        })
    }
}

impl SampleEndpoint {
    /// A metrics endpoint that needs no header fields, for which the scenario names no metrics.
    pub fn prometheus(url: String) -> Self {
        Self::Prometheus(Arc::new(MetricsEndpoint {
            url,
            ..MetricsEndpoint::default()
        }))
    }
}
