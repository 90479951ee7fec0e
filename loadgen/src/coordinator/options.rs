//! The options of a run: its plan, its workers and the place of its record.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use highwater_scenarios::Plan;

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
}

/// The workers that generate the load.
#[derive(Debug, Clone)]
pub enum Workers {
    /// Processes that the coordinator starts on this machine.
    Local {
        /// Number of workers; `None` for as many as the limit of open files demands.
        count: Option<u32>,
    },
    /// Processes that a person or a scheduler starts, on any machine.
    Remote {
        /// The address at which they join.
        listen: SocketAddr,
        /// The shared secret of the run.
        token: String,
        /// Number of workers that the run waits for.
        count: u32,
        /// Longest time that they may take to join and to become ready.
        join_timeout: Duration,
    },
}

impl RunOptions {
    /// Returns the number of workers, if each may open `open_files` files.
    pub fn worker_count(&self, open_files: u64) -> u32 {
        match self.workers {
            Workers::Local { count } => {
                count.unwrap_or_else(|| self.plan.workers_needed(open_files))
            }
            Workers::Remote { count, .. } => count,
        }
        // A plan without sockets still needs a worker, for its commands.
        .max(1)
    }
}
