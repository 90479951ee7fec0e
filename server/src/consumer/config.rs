//! What a consumer is told when it starts.

use std::{path::PathBuf, time::Duration};

use crate::{
    backplane::BackplaneUrl,
    id::{ClusterName, ConsumerGroup, NodeId},
};

/// Everything a consumer needs to know; [`ConsumerConfig::new`] fills in defaults.
#[derive(Debug, Clone)]
pub struct ConsumerConfig {
    /// Where the queue is: that of the nodes whose readings are handled.
    pub backplane: BackplaneUrl,
    /// The name of the nodes' cluster, where others use the same broker.
    pub cluster: ClusterName,
    /// The group: each reading is handled by one of its members.
    pub group: ConsumerGroup,
    /// This consumer's name, unique in its group.
    pub id: NodeId,
    /// Where each handled reading is written down; `None` writes nothing.
    pub journal: Option<PathBuf>,
    /// How long handling a reading takes.
    pub processing_time: Duration,
    /// A fault of known size: each reading whose number in this process is a multiple
    /// of it is acknowledged without having been handled. 0 loses none.
    pub drop_every: u64,
    /// Reads the allocator's live bytes; `None`, or an answer of `None`, leaves
    /// the heap out of `/metrics`.
    pub heap_probe: Option<fn() -> Option<u64>>,
}

impl ConsumerConfig {
    /// A consumer without a journal that handles in no time and loses nothing.
    pub fn new(backplane: BackplaneUrl, group: ConsumerGroup, id: NodeId) -> Self {
        Self {
            backplane,
            cluster: ClusterName::default(),
            group,
            id,
            journal: None,
            processing_time: Duration::ZERO,
            drop_every: 0,
            heap_probe: None,
        }
    }
}
