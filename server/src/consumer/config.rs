//! The configuration of a consumer.

use std::{path::PathBuf, time::Duration};

use crate::{
    backplane::ClusterSecret,
    id::{ClusterName, ConsumerGroup, NodeId},
    ingest::TelemetryUrl,
};

/// The configuration of a consumer. [`ConsumerConfig::new`] fills in the defaults.
#[derive(Debug, Clone)]
pub struct ConsumerConfig {
    /// The queue of the nodes' telemetry.
    pub telemetry: TelemetryUrl,
    /// The name of the nodes' cluster at a broker that other clusters use too.
    pub cluster: ClusterName,
    /// The secret by which the processes of the cluster know each other.
    pub cluster_secret: Option<ClusterSecret>,
    /// The group. One of its members handles each record.
    pub group: ConsumerGroup,
    /// The consumer's name, unique in its group.
    pub id: NodeId,
    /// The file that gets a line for each handled record; `None` writes none.
    pub journal: Option<PathBuf>,
    /// The time that handling one record takes.
    pub processing_time: Duration,
    /// A fault of known size: every record whose number in this process is a multiple of
    /// it is acknowledged without being handled. 0 drops none.
    pub drop_every: u64,
    /// A function that returns the allocator's live bytes. Without a value the heap is
    /// missing from `/metrics`.
    pub heap_probe: Option<fn() -> Option<u64>>,
    /// A function that returns the number of log lines that this process could not write.
    /// Without it the metric is missing from `/metrics`.
    pub dropped_log_lines: Option<fn() -> u64>,
}

impl ConsumerConfig {
    /// Returns a consumer without a journal that handles records in no time and drops none.
    pub fn new(telemetry: TelemetryUrl, group: ConsumerGroup, id: NodeId) -> Self {
        Self {
            telemetry,
            cluster: ClusterName::default(),
            cluster_secret: None,
            group,
            id,
            journal: None,
            processing_time: Duration::ZERO,
            drop_every: 0,
            heap_probe: None,
            dropped_log_lines: None,
        }
    }
}
