//! What to run, with which workers, where the record goes.

use std::{net::SocketAddr, path::PathBuf};

use highwater_scenarios::Plan;

/// A run that is wanted.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// What it does.
    pub plan: Plan,
    /// The scenario file as written, for the record.
    pub scenario_text: String,
    /// `--set` arguments, for the record.
    pub sets: Vec<String>,
    /// Directory of the record; absent or empty.
    pub out: PathBuf,
    /// The `highwater` binary, which nodes and local workers are started from.
    pub exe: PathBuf,
    /// Who puts on the load.
    pub workers: Workers,
}

/// Who puts on the load.
#[derive(Debug, Clone)]
pub enum Workers {
    /// Processes that the coordinator starts on this machine.
    Local {
        /// How many; `None` is as many as their open files demand.
        count: Option<u32>,
    },
    /// Processes that somebody starts, on any machine.
    Remote {
        /// Where they join.
        listen: SocketAddr,
        /// Shared secret.
        token: String,
        /// How many the run waits for.
        count: u32,
    },
}

impl RunOptions {
    /// How many workers the run has, when each may open `open_files` files.
    pub fn worker_count(&self, open_files: u64) -> u32 {
        match self.workers {
            Workers::Local { count } => {
                count.unwrap_or_else(|| self.plan.workers_needed(open_files))
            }
            Workers::Remote { count, .. } => count,
        }
        .max(1)
    }
}
