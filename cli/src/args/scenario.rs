//! Commands that begin with a scenario.

use std::path::PathBuf;

use clap::Args;

/// A scenario and what is changed in it.
#[derive(Debug, Args)]
pub(crate) struct ScenarioArgs {
    /// The scenario file (TOML)
    pub(crate) scenario: PathBuf,
    /// Change a value of the scenario; may be repeated
    ///
    /// PATH is the key's place in the file; pools, commands, events and gates
    /// go by their names: devices.home.count=10000, gates.p99.check=...,
    /// duration=30s. Text needs no quotes.
    #[arg(long, value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,
}

/// Where a run's record goes, and what is shown meanwhile.
#[derive(Debug, Args)]
pub(crate) struct RecordArgs {
    /// Directory of the record [default: runs/TIME-NAME]
    ///
    /// It is created where it is missing; one that is not empty is refused.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Judge against this run as well
    ///
    /// The directory of an earlier run. The verdict fails where a metric is
    /// worse than there by more than the noise within the two runs.
    #[arg(long, value_name = "RUN")]
    pub(crate) baseline: Option<PathBuf>,
    /// Plain lines on stderr instead of a live display
    ///
    /// They are plain as well where stderr is no terminal: one at each change
    /// of phase, event and problem, and one every 5 s, later 10 s.
    #[arg(long)]
    pub(crate) no_progress: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  highwater run scenarios/smoke.toml
  highwater run scenarios/idle-5k.toml --set devices.home.ramp=1000/s \\
      --set duration=45s
  highwater run scenarios/node-kill.toml --out runs/kill --workers 2
  highwater run scenarios/smoke.toml --baseline runs/before

Ctrl-C ends a run in order and reports what there is; a second one ends it at
once. The exit code is the verdict: 0 passed, 3 failed, 4 inconclusive.
A scenario with a [matrix] is several runs, each in a directory of its own, and
in the end a comparison; the exit code is then the worst of theirs.")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArgs,
    #[command(flatten)]
    pub(crate) record: RecordArgs,
    /// Worker processes [default: as many as needed]
    ///
    /// From 1 to 1000. Needed are as many as the open files of one allow; more
    /// spread the load over the processors, and the load stays the same.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) workers: Option<u32>,
    /// Start although this machine cannot carry it
    ///
    /// Before anything is started, the limits of this machine are held against
    /// the scenario, as `highwater doctor SCENARIO` does. What cannot work is
    /// refused with exit code 5; with this it is only noted, and what does not
    /// fit fails in its place in the run.
    #[arg(long)]
    pub(crate) try_anyway: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  highwater check scenarios/idle-10k.toml
  highwater check scenarios/idle-10k.toml --set devices.home.count=1000000

All problems of a file are listed at once, each with its place, what was found
and what is accepted; the exit code is then 2.")]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArgs,
}
