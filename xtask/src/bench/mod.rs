//! `cargo xtask bench …`: the benches of the workspace, and the comparison with other tools.
//!
//! - [`criterion`]: the benches of the crates;
//! - [`peers`]: Highwater beside other load testing tools;
//! - [`backplanes`]: the backplanes of the reference cluster beside each other;
//! - [`queues`]: its telemetry queues beside each other;
//! - what these two share: [`system`] and [`selection`] (what they compare), [`harness_run`] (one
//!   run of Highwater's binary);
//! - what all comparisons share: [`process`] (a running program), [`process_tree`] (its memory and
//!   CPU), [`measured`] with [`machine`] and [`command_line`] (when, where and how it ran),
//!   [`cells`] and [`page`] (the table and its document), [`interrupt`] (Ctrl-C, which ends every
//!   child).

mod backplanes;
mod cells;
mod command_line;
mod criterion;
mod harness_run;
mod interrupt;
mod machine;
mod measured;
mod page;
mod peers;
mod process;
mod process_tree;
mod queues;
mod selection;
mod system;

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
    /// Run the same loads over each backplane of the reference cluster, and print a table of
    /// latency, CPU, and what the death of a node and of the broker costs
    Backplanes(backplanes::BackplanesOptions),
    /// Send the same telemetry through each queue of the reference cluster, and print a table of
    /// latency, CPU, throughput, and what dead consumers and brokers cost
    Queues(queues::QueuesOptions),
}

/// Runs the comparison, or the benches of the crates.
pub(crate) fn run(options: BenchOptions) -> Result<()> {
    match options.comparison {
        Some(Comparison::Peers(peers)) => peers::run(&peers),
        Some(Comparison::Backplanes(backplanes)) => backplanes::run(&backplanes),
        Some(Comparison::Queues(queues)) => queues::run(&queues),
        None => criterion::run(options.filter.as_deref()),
    }
}
