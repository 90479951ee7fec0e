//! The options of a run: its plan, its workers and the place of its record.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use highwater_scenarios::{Plan, Segment};

use crate::bus::{BusOptions, OnWorkerLoss, RunId, WorkerCapacity};

/// The options of a run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The plan of the run.
    pub plan: Plan,
    /// The scenario file as written, for the record.
    pub scenario_text: String,
    /// `--set` arguments, for the record.
    pub sets: Vec<String>,
    /// Directory of the record, which is absent or empty.
    pub out: PathBuf,
    /// The `highwater` binary, from which nodes and local workers are started. Without a
    /// cluster, a program with the command `worker --connect ADDRESS` is enough.
    pub exe: PathBuf,
    /// The workers that generate the load.
    pub workers: Workers,
    /// Address at which the metrics of the run are scraped while it lasts; `None` for none.
    pub metrics_listen: Option<SocketAddr>,
}

/// The workers that generate the load.
#[derive(Debug, Clone)]
pub enum Workers {
    /// Processes that the coordinator starts on this machine.
    Local(LocalWorkers),
    /// Processes that a scheduler starts on any machine, and that join over a bus.
    Bus(Box<BusWorkers>),
}

/// The workers that a coordinator starts itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalWorkers {
    /// Number of workers; `None` for as many as the limit of open files demands.
    pub count: Option<u32>,
    /// Local addresses over which sockets spread; none leave the choice to the kernel.
    pub bind: Vec<IpAddr>,
}

/// A function that returns why segments do not fit the one machine whose workers take them.
pub type FindMisfits = fn(&Plan, &[(Segment, WorkerCapacity)]) -> Vec<String>;

/// The workers of a run over a bus.
#[derive(Debug, Clone)]
pub struct BusWorkers {
    /// The bus.
    pub bus: BusOptions,
    /// The name of the run.
    pub run: RunId,
    /// Whether the run is one of a coordinator that died.
    pub resume: bool,
    /// Number of workers that the run waits for.
    pub count: u32,
    /// Longest time that they may take to join and to become ready.
    pub join_timeout: Duration,
    /// The fate of a lost worker's share.
    pub on_worker_loss: OnWorkerLoss,
    /// Longest time that workers go on without a coordinator.
    pub resume_within: Duration,
    /// The scenario's folder, at which relative paths of the plan begin.
    pub folder: PathBuf,
    /// Returns why segments do not fit the machine whose workers take them:
    /// `doctor::segment_fit::misfits`.
    pub misfits: FindMisfits,
}

impl RunOptions {
    /// Returns the number of workers, if each may open `open_files` files.
    pub fn worker_count(&self, open_files: u64) -> u32 {
        match &self.workers {
            Workers::Local(workers) => workers
                .count
                .unwrap_or_else(|| self.plan.workers_needed(open_files)),
            Workers::Bus(workers) => workers.count,
        }
        // A plan without sockets still needs a worker, for its commands.
        .max(1)
    }
}
