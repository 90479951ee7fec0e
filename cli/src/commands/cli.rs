//! The root of the command line, and the dispatch to the commands.
//!
//! The help texts, the shell completions and the man pages are all made from the clap
//! types. `-h` shows one line for each option, and `--help` the rest.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::anyhow;
use clap::{CommandFactory, Parser, Subcommand};

use super::{
    check::{self, CheckArgs},
    compare::{self, CompareArgs},
    completions::{self, CompletionsArgs},
    coordinator::{self, CoordinatorArgs},
    doctor::{self, DoctorArgs},
    export::{self, ExportArgs},
    gate::{self, GateArgs},
    groups::{self, GroupsArgs},
    init::{self, InitArgs},
    man::{self, ManArgs},
    metrics::{self, MetricsArgs},
    probe::{self, ProbeArgs},
    report::{self, ReportArgs},
    run::{self, RunArgs},
    serve::{self, ServeCommand},
    try_out::{self, TryArgs},
    worker::{self, WorkerArgs},
};
use crate::{exit::Exit, failure::CliFailure};

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
    /// Write a commented scenario for a server of yours
    Init(InitArgs),
    /// Open one socket and show every frame of it
    Try(TryArgs),
    /// Show the limits of this machine, or whether a scenario fits
    Doctor(DoctorArgs),
    /// Draw the report of a run again from its record
    Report(ReportArgs),
    /// Set runs side by side, and mark what is more than noise
    Compare(CompareArgs),
    /// The verdict of a run again, as an exit code
    Gate(GateArgs),
    /// Write the data of a run as tables: CSV, Parquet, JSON lines
    Export(ExportArgs),
    /// List every metric with its unit and meaning
    Metrics(MetricsArgs),
    /// Run one part of the reference cluster
    #[command(subcommand)]
    Serve(ServeCommand),
    /// List the consumer groups of the embedded broker, or remove one
    Groups(GroupsArgs),
    /// Ask a node or a gateway whether it is well, as an exit code
    Probe(ProbeArgs),
    /// Run a scenario with workers on many machines, over NATS
    Coordinator(CoordinatorArgs),
    /// Put on a share of the load of a coordinator's run
    Worker(WorkerArgs),
    /// Print the completions of a shell
    Completions(CompletionsArgs),
    /// Print the man page, or write one for each command
    Man(ManArgs),
}

impl Cli {
    /// Executes the command.
    pub(crate) fn execute(self) -> Result<Exit, CliFailure> {
        check_clock(SystemTime::now())?;
        match self.command {
            CliCommand::Run(args) => run::execute(args),
            CliCommand::Check(args) => check::execute(args),
            CliCommand::Init(args) => init::execute(&args),
            CliCommand::Try(args) => try_out::execute(args),
            CliCommand::Doctor(args) => doctor::execute(args),
            CliCommand::Report(args) => report::execute(&args),
            CliCommand::Compare(args) => compare::execute(&args),
            CliCommand::Gate(args) => gate::execute(&args),
            CliCommand::Export(args) => export::execute(&args),
            CliCommand::Metrics(args) => metrics::execute(&args),
            CliCommand::Serve(args) => serve::execute(args),
            CliCommand::Groups(args) => groups::execute(args),
            CliCommand::Probe(args) => probe::execute(&args),
            CliCommand::Coordinator(args) => coordinator::execute(args),
            CliCommand::Worker(args) => worker::execute(args),
            CliCommand::Completions(args) => completions::execute(&args, &mut Self::command()),
            CliCommand::Man(args) => man::execute(&args, Self::command()),
        }
    }
}

/// Refuses a clock that shows a time before 1970, at which dates cannot be written.
fn check_clock(now: SystemTime) -> Result<(), CliFailure> {
    match now.duration_since(UNIX_EPOCH) {
        Ok(_) => Ok(()),
        Err(before) => {
            let error = anyhow!(
                "cannot use this machine's clock: it is {:?} before 1970",
                before.duration()
            );
            let failure = CliFailure::new(Exit::Refused, error);
            Err(failure.with_hint(Some("set the clock, for example with `date --set`")))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn clock_before_1970_is_refused() {
        let failure = check_clock(UNIX_EPOCH - Duration::from_secs(3600)).unwrap_err();
        assert_eq!(failure.exit(), Exit::Refused);
        assert!(check_clock(UNIX_EPOCH).is_ok());
    }
}
