//! The record of a run, its baseline and its display.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

use super::{BaselineArgs, address::parse_address};

/// The record of a run, and its progress meanwhile.
#[derive(Debug, Args)]
pub(crate) struct RecordArgs {
    /// Directory of the record [default: runs/TIME-NAME]
    ///
    /// A missing directory is created. A directory with content is refused, except
    /// that of a run whose start failed, which is replaced.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) baseline: BaselineArgs,
    /// Plain lines on stderr instead of a live display
    ///
    /// Lines are also plain when stderr is not a terminal. A line appears at each
    /// change of phase, event and problem, and every 5 s, later every 10 s.
    #[arg(long)]
    pub(crate) no_progress: bool,
    /// Serve the metrics of the run at /metrics while it lasts
    ///
    /// HOST:PORT; port 0 takes a free one. Prometheus scrapes phase, sockets,
    /// heartbeats, commands, latencies, processes and gates. Anybody who reaches
    /// the address may read them.
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    pub(crate) metrics_listen: Option<SocketAddr>,
}
