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

/// The record of a run, and the progress shown meanwhile.
#[derive(Debug, Args)]
pub(crate) struct RecordArgs {
    /// Directory of the record [default: runs/TIME-NAME]
    ///
    /// A missing directory is created. A directory with content is refused.
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
    /// Lines are also plain when stderr is not a terminal. A line appears at each
    /// change of phase, event and problem, and every 5 s, later every 10 s.
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
    /// 1 to 1000. The default is as many as the limit of open files requires. More
    /// processes spread the load over more CPU cores; the load stays the same.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) workers: Option<u32>,
    /// Start although this machine cannot carry it
    ///
    /// `highwater run` first compares the scenario with the limits of this machine,
    /// as `highwater doctor SCENARIO` does. A scenario that cannot work
    /// is refused with exit code 5. With this option the run starts after a warning,
    /// and whatever exceeds a limit fails during the run.
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
