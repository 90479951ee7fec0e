//! `cargo xtask bench …`: the benches of the workspace, and the comparison with other tools.
//!
//! - [`criterion`]: the benches of the crates;
//! - [`peers`]: Highwater beside other load testing tools.

mod criterion;
mod peers;

use anyhow::Result;
use clap::{Args, Subcommand};

/// The benches to run.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct BenchOptions {
    #[command(subcommand)]
    comparison: Option<Comparison>,
    /// Part of the name of the benches to run [default: all]
    filter: Option<String>,
}

#[derive(Subcommand)]
enum Comparison {
    /// Hold idle sockets with Highwater, k6, Locust, Tsung and Artillery, one after the
    /// other, and print a table of what each costs and reports
    Peers(peers::PeersOptions),
}

/// Runs the comparison, or the benches of the crates.
pub(crate) fn run(options: BenchOptions) -> Result<()> {
    match options.comparison {
        Some(Comparison::Peers(peers)) => peers::run(&peers),
        None => criterion::run(options.filter.as_deref()),
    }
}
