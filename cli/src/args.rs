//! The command line, with one file for each group of commands.
//!
//! The help texts, the shell completions and the man pages are all made from
//! these types. What `-h` says fits a line; `--help` says the rest.

mod doctor;
mod load;
mod record;
mod scenario;
mod serve;
mod shell;

use clap::{Parser, Subcommand};

pub(crate) use doctor::DoctorArgs;
pub(crate) use load::{CoordinatorArgs, WorkerArgs};
pub(crate) use record::{CompareArgs, GateArgs, MetricsArgs, ReportArgs};
pub(crate) use scenario::{CheckArgs, RecordArgs, RunArgs, ScenarioArgs};
pub(crate) use serve::{
    ServeAdmission, ServeAuth, ServeCommand, ServeConsumer, ServeDrain, ServeGateway, ServeNode,
    ServeTls,
};
pub(crate) use shell::{CompletionsArgs, ManArgs};

/// Finds the high-water mark of a WebSocket cluster: how many sockets it
/// holds, at what cost, how fast commands still get through, what breaks
/// first, and whether a change made it worse.
#[derive(Debug, Parser)]
#[command(name = "highwater", version, propagate_version = true)]
#[command(max_term_width = 80)]
#[command(after_help = "Examples:
  highwater run scenarios/smoke.toml
      A minute on a cluster of two nodes; the report is a page of HTML.
  highwater check scenarios/idle-10k.toml
      What a scenario would do, without doing it.
  highwater gate runs/20260102-030405-smoke
      The verdict of a run, as an exit code.

Exit codes:
    0  passed                      4  inconclusive: the harness was the limit
    1  internal error              5  the target or the machine refused
    2  wrong usage or scenario   130  interrupted, what there is was reported
    3  a gate failed")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: CliCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CliCommand {
    /// Run a scenario, report on it, judge it
    Run(RunArgs),
    /// Validate a scenario and describe its plan; no traffic
    Check(CheckArgs),
    /// Show the limits of this machine, or whether a scenario fits
    Doctor(DoctorArgs),
    /// Draw the report of a run again from its record
    Report(ReportArgs),
    /// Set runs side by side, and mark what is more than noise
    Compare(CompareArgs),
    /// The verdict of a run again, as an exit code
    Gate(GateArgs),
    /// List every metric with its unit and meaning
    Metrics(MetricsArgs),
    /// Run one part of the reference cluster
    #[command(subcommand)]
    Serve(ServeCommand),
    /// Run a scenario with workers started by hand, on any machine
    Coordinator(CoordinatorArgs),
    /// Put on a share of the load of a coordinator's run
    Worker(WorkerArgs),
    /// Print the completions of a shell
    Completions(CompletionsArgs),
    /// Print the man page, or write one for each command
    Man(ManArgs),
}
