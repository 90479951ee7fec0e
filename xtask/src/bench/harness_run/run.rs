//! One run of Highwater's binary.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use highwater_process::{Launch, Spawner};
use highwater_services::Service;
use tempfile::TempDir;

use super::{phase::wait_for_steady, summary::Summary};
use crate::bench::{
    interrupt::Interrupt, process::ToolProcess, process_tree, selection::Selection, system::System,
};

/// The longest time from the steady phase to the end of a run.
const END_TIMEOUT: Duration = Duration::from_secs(180);
/// The time between two looks at a run.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// The context of every run.
pub(in crate::bench) struct Bench {
    /// Highwater's binary.
    pub(in crate::bench) highwater: PathBuf,
    /// The starter of every child.
    pub(in crate::bench) spawner: Spawner,
    /// Ctrl-C.
    pub(in crate::bench) interrupt: Interrupt,
}

impl Bench {
    /// Measures each of the chosen systems.
    ///
    /// # Errors
    /// A message for an invalid choice, a child that cannot be started, and an interrupt.
    pub(in crate::bench) fn measure<R>(
        selection: &Selection,
        systems: Vec<System>,
        row: impl Fn(&Self, &System) -> Result<R>,
    ) -> Result<Vec<R>> {
        // Before other threads start, because they inherit the blocked signals.
        let interrupt = Interrupt::block()?;
        let systems = selection.choose(systems)?;
        let bench = Self {
            highwater: selection.highwater.clone(),
            spawner: Spawner::start()?,
            interrupt,
        };
        let rows = systems.iter().map(|system| {
            eprintln!("── {}", system.name);
            let row = row(&bench, system)?;
            bench.interrupt.check()?;
            Ok(row)
        });
        rows.collect()
    }
}

/// A run in its steady phase. Dropped, it is killed.
pub(in crate::bench) struct Run<'b> {
    bench: &'b Bench,
    scenario: String,
    process: ToolProcess,
    directory: TempDir,
    /// The start of the steady phase.
    pub(in crate::bench) steady: Instant,
}

/// A run that has ended. Dropped, its record is removed.
pub(in crate::bench) struct FinishedRun {
    /// The summary.
    pub(in crate::bench) summary: Summary,
    directory: TempDir,
}

impl<'b> Run<'b> {
    /// Starts the scenario of this file with settings for `--set`, and waits for its steady
    /// phase.
    ///
    /// # Errors
    /// A message if the run ends before.
    pub(in crate::bench) fn start(
        bench: &'b Bench,
        scenario: &str,
        settings: &[String],
    ) -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("highwater-bench-")
            .tempdir()?;
        let record = record(directory.path());
        let mut arguments = ["run", "--no-progress", "--workers", "1", "--out"]
            .map(str::to_owned)
            .to_vec();
        arguments.push(record.display().to_string());
        for setting in settings {
            arguments.extend(["--set".to_owned(), setting.clone()]);
        }
        arguments.push(scenario.to_owned());
        let log = directory.path().join("highwater.log");
        // The run has nodes and a worker of its own.
        let launch = Launch::new(&bench.highwater, arguments, log).with_children();
        let mut process = ToolProcess::start(&bench.spawner, launch)?;
        let steady = wait_for_steady(&record, &mut process, &bench.interrupt)
            .with_context(|| scenario.to_owned())?;
        Ok(Self {
            bench,
            scenario: scenario.to_owned(),
            process,
            directory,
            steady,
        })
    }

    /// Waits until the given time of the steady phase.
    ///
    /// # Errors
    /// A message for an interrupt.
    pub(in crate::bench) fn wait_until(&self, at: Duration) -> Result<()> {
        self.bench.interrupt.sleep_until(self.steady + at)
    }

    /// Returns the cores that a broker uses between two instants of the steady phase; `None` once
    /// a process of it has ended.
    ///
    /// # Errors
    /// A message for an interrupt.
    pub(in crate::bench) fn broker_cores(
        &self,
        service: &Service,
        between: Range<Duration>,
    ) -> Result<Option<f64>> {
        self.wait_until(between.start)?;
        let (before, from) = (broker_cpu(service), Instant::now());
        self.wait_until(between.end)?;
        let (after, to) = (broker_cpu(service), Instant::now());
        let used = after
            .zip(before)
            .and_then(|(after, before)| after.checked_sub(before));
        Ok(used.map(|used| used.as_secs_f64() / (to - from).as_secs_f64()))
    }

    /// Waits for the end of the run, and returns its summary and its record. The verdict is not
    /// looked at: a run in which a node is killed fails.
    ///
    /// # Errors
    /// A message if it does not end or writes no summary.
    pub(in crate::bench) fn finish(mut self) -> Result<FinishedRun> {
        let deadline = Instant::now() + END_TIMEOUT;
        while self.process.is_running() {
            if Instant::now() > deadline {
                bail!("{}: the run does not end", self.scenario);
            }
            self.bench
                .interrupt
                .sleep_until(Instant::now() + POLL_INTERVAL)?;
        }
        let record = record(self.directory.path());
        let summary = Summary::read(&record)
            .with_context(|| last_line(&self.directory.path().join("highwater.log")))
            .with_context(|| self.scenario.clone())?;
        Ok(FinishedRun {
            summary,
            directory: self.directory,
        })
    }
}

impl FinishedRun {
    /// Returns the path of the record.
    pub(in crate::bench) fn record(&self) -> PathBuf {
        record(self.directory.path())
    }
}

/// Returns the CPU time of a broker's processes since their start.
fn broker_cpu(service: &Service) -> Option<Duration> {
    let pids = service.pids();
    let usages = pids.into_iter().map(process_tree::usage);
    usages.map(|usage| usage.map(|usage| usage.cpu)).sum()
}

fn record(directory: &Path) -> PathBuf {
    directory.join("record")
}

/// Returns the last line of a log, for an error that says why a run failed.
fn last_line(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.lines().last().unwrap_or("its log is empty").to_owned()
}
