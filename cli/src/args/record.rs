//! Commands that begin with a run's record.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "Example:
  highwater report runs/20260102-030405-smoke

Writes report.html, summary.json, junit.xml and charts/*.svg into the run's
directory, from its record alone: also for a run that was killed. The exit code
is 0 whatever the verdict; `highwater gate` judges.")]
pub(crate) struct ReportArgs {
    /// The run's directory
    pub(crate) run: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  highwater compare runs/before runs/after
  highwater compare --out policies.html runs/round-robin-* runs/p2c-*

Runs of the same settings are repeats: their figures are means with intervals.
If all settings are the same, repeats are numbered: before-1 before-2 after-1.")]
pub(crate) struct CompareArgs {
    /// The runs' directories; the others are compared with the first
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// File of the comparison page
    ///
    /// One HTML file that opens offline. The default is comparison.html beside the
    /// first run's directory. An existing file is replaced.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Write the metrics as JSON as well
    ///
    /// Means and their intervals, what differs, and what is more than noise: for
    /// a job that reads them.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Compare runs that are different things all the same
    ///
    /// Runs that differ in more than one setting, ran on different machines or did
    /// not come to their end are refused. With this, it is said and they are
    /// compared.
    #[arg(long)]
    pub(crate) anyway: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  highwater gate runs/20260102-030405-smoke
  highwater gate runs/after --baseline runs/before

Exit codes: 0 passed, 3 failed, 4 inconclusive, 130 the run was interrupted.")]
pub(crate) struct GateArgs {
    /// The run's directory
    pub(crate) run: PathBuf,
    /// Judge against this run as well
    ///
    /// The directory of an earlier run. The verdict fails where a metric is
    /// worse than there by more than the noise within the two runs.
    #[arg(long, value_name = "RUN")]
    pub(crate) baseline: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  highwater metrics | grep ^heartbeats
      Path, unit, the way in which it is better, meaning.
  highwater metrics --json

A gate of a scenario names a metric by its path: heartbeats.response.p99 <= 50ms.")]
pub(crate) struct MetricsArgs {
    /// Print JSON: path, unit, better, windowed, meaning
    #[arg(long)]
    pub(crate) json: bool,
}
