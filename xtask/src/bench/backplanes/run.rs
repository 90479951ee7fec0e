//! One run of Highwater's binary.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use highwater_process::{Launch, Spawner};
use highwater_services::Service;
use tempfile::TempDir;

use super::{phase::wait_for_steady, summary::Summary};
use crate::bench::{interrupt::Interrupt, process::ToolProcess, process_tree};

/// The scenarios of the comparison.
const SCENARIOS: &str = "xtask/backplanes";
/// The longest time from the steady phase to the end of a run.
const END_TIMEOUT: Duration = Duration::from_secs(180);
/// The time between two looks at a run.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// The part of the steady phase over which the CPU time of the broker is taken.
const CPU_WINDOW: Duration = Duration::from_secs(25);
/// The time from the start of the steady phase to that part.
const CPU_DELAY: Duration = Duration::from_secs(2);

/// The context of every run.
pub(super) struct Bench {
    pub(super) highwater: PathBuf,
    pub(super) spawner: Spawner,
    pub(super) interrupt: Interrupt,
}

/// A run in its steady phase. Dropped, it is killed.
pub(super) struct Run<'b> {
    bench: &'b Bench,
    process: ToolProcess,
    directory: TempDir,
    /// The start of the steady phase.
    pub(super) steady: Instant,
}

impl<'b> Run<'b> {
    /// Starts a scenario over a backplane, and waits for its steady phase.
    ///
    /// # Errors
    /// A message if the run ends before.
    pub(super) fn start(
        bench: &'b Bench,
        scenario: &str,
        backplane: Option<&Service>,
        settings: &[&str],
    ) -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("highwater-backplanes-")
            .tempdir()?;
        let record = record(directory.path());
        let mut arguments = ["run", "--no-progress", "--workers", "1", "--out"]
            .map(str::to_owned)
            .to_vec();
        arguments.push(record.display().to_string());
        if let Some(service) = backplane {
            let url = format!("cluster.backplane={}", service.url());
            arguments.extend(["--set".to_owned(), url]);
            if let Some(monitor) = service.monitor_url() {
                let monitor = format!("cluster.broker.monitor={monitor}");
                arguments.extend(["--set".to_owned(), monitor]);
            }
        }
        for setting in settings {
            arguments.extend(["--set".to_owned(), (*setting).to_owned()]);
        }
        arguments.push(format!("{SCENARIOS}/{scenario}.toml"));
        let log = directory.path().join("highwater.log");
        // The run has nodes and a worker of its own.
        let launch = Launch::new(&bench.highwater, arguments, log).with_children();
        let mut process = ToolProcess::start(&bench.spawner, launch)?;
        let steady = wait_for_steady(&record, &mut process, &bench.interrupt)
            .with_context(|| format!("{scenario} over {}", name(backplane)))?;
        Ok(Self {
            bench,
            process,
            directory,
            steady,
        })
    }

    /// Waits until the given time of the steady phase.
    ///
    /// # Errors
    /// A message for an interrupt.
    pub(super) fn wait_until(&self, at: Duration) -> Result<()> {
        self.bench.interrupt.sleep_until(self.steady + at)
    }

    /// Returns the cores that a broker uses in the steady phase; `None` once a process of it has
    /// ended.
    ///
    /// # Errors
    /// A message for an interrupt.
    pub(super) fn broker_cores(&self, service: &Service) -> Result<Option<f64>> {
        self.wait_until(CPU_DELAY)?;
        let (before, from) = (broker_cpu(service), Instant::now());
        self.wait_until(CPU_DELAY + CPU_WINDOW)?;
        let (after, to) = (broker_cpu(service), Instant::now());
        let used = after
            .zip(before)
            .and_then(|(after, before)| after.checked_sub(before));
        Ok(used.map(|used| used.as_secs_f64() / (to - from).as_secs_f64()))
    }

    /// Waits for the end of the run, and returns its summary. The verdict is not looked at: a run
    /// in which a node is killed fails.
    ///
    /// # Errors
    /// A message if it does not end or writes no summary.
    pub(super) fn finish(mut self) -> Result<Summary> {
        let deadline = Instant::now() + END_TIMEOUT;
        while self.process.is_running() {
            if Instant::now() > deadline {
                bail!("the run does not end");
            }
            self.bench
                .interrupt
                .sleep_until(Instant::now() + POLL_INTERVAL)?;
        }
        let record = record(self.directory.path());
        Summary::read(&record)
            .with_context(|| last_line(&self.directory.path().join("highwater.log")))
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

fn name(backplane: Option<&Service>) -> &'static str {
    backplane.map_or("the embedded broker", Service::name)
}

/// Returns the last line of a log, for an error that says why a run failed.
fn last_line(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.lines().last().unwrap_or("its log is empty").to_owned()
}
