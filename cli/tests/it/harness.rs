//! A run of the binary in a directory of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use highwater_reports::summary::{Summary, Verdict};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

/// Longest that any condition is waited for.
const PATIENCE: Duration = Duration::from_secs(90);

/// A run that has been started.
pub(crate) struct Run {
    /// Taken when the run is finished.
    folder: Option<TempDir>,
    child: Option<Child>,
}

/// A run that is over.
pub(crate) struct Finished {
    _folder: TempDir,
    /// The directory of its record.
    pub(crate) record: PathBuf,
    /// Exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    /// What it printed.
    pub(crate) stdout: String,
    /// What it said on the way.
    pub(crate) stderr: String,
}

/// `highwater` with these arguments.
pub(crate) fn highwater(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_highwater"));
    command.args(arguments).stdin(Stdio::null());
    command
}

impl Run {
    /// Starts `highwater run` with a scenario of this text.
    pub(crate) fn start(scenario: &str) -> Self {
        Self::start_with(scenario, &[])
    }

    /// The same with more arguments.
    pub(crate) fn start_with(scenario: &str, arguments: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary directory");
        let file = folder.path().join("scenario.toml");
        fs::write(&file, scenario).expect("a scenario file");
        let child = highwater(&["run", "--no-progress"])
            .args(arguments)
            .arg(&file)
            .arg("--out")
            .arg(folder.path().join("run"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("highwater starts");
        Self {
            folder: Some(folder),
            child: Some(child),
        }
    }

    /// Starts it and waits for its end.
    pub(crate) fn to_its_end(scenario: &str) -> Finished {
        Self::start(scenario).finish()
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self) -> Finished {
        let child = self.child.take().expect("a run ends once");
        let output = child.wait_with_output().expect("highwater's output");
        self.finished(output)
    }

    /// The directory of its record.
    pub(crate) fn record(&self) -> PathBuf {
        let folder = self.folder.as_ref().expect("a run ends once");
        folder.path().join("run")
    }

    /// Its process.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.as_ref().expect("a running run").id() as i32)
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("the run is there");
    }

    /// Waits until the record says that the steady phase has begun and `extra`
    /// more seconds of it are recorded.
    pub(crate) fn until_steady(&self, extra: f64) {
        let record = self.record();
        let steady = eventually("the steady phase", || steady_from(&record));
        let last = || last_recorded(&record).filter(|at| *at >= steady + extra);
        eventually("some seconds of it", last);
    }

    /// Processes that it has started whose command line contains `word`.
    pub(crate) fn children(&self, word: &str) -> Vec<Pid> {
        children_of(self.pid())
            .into_iter()
            .filter(|pid| command_line(*pid).is_some_and(|line| line.contains(word)))
            .collect()
    }

    fn finished(&mut self, output: Output) -> Finished {
        let record = self.record();
        let folder = self.folder.take().expect("a run ends once");
        Finished::of(folder, record, output)
    }
}

impl Finished {
    /// A run with this output whose record lies in `record`, somewhere in
    /// `folder`.
    pub(crate) fn of(folder: TempDir, record: PathBuf, output: Output) -> Self {
        Self {
            record,
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            _folder: folder,
        }
    }

    /// The run's summary, which is what its published schema says.
    pub(crate) fn summary(&self) -> Summary {
        let path = self.record.join("summary.json");
        let text = fs::read(&path).unwrap_or_else(|error| {
            panic!(
                "{}: {error}\n{}\n{}",
                path.display(),
                self.stdout,
                self.stderr
            )
        });
        let summary: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
        let schema = include_str!("../../../docs/summary.schema.json");
        let schema = serde_json::from_str(schema).expect("a JSON schema");
        if let Err(error) = jsonschema::validate(&schema, &summary) {
            panic!("{}: {error}", path.display());
        }
        serde_json::from_value(summary).expect("a summary of schema 1")
    }

    /// Every gate holds, and nothing was wrong. On a busy machine the harness
    /// may have been late; then it says so, and that alone is no defect.
    pub(crate) fn assert_passed(&self) {
        let summary = self.summary();
        let told = format!("{}{}", self.stdout, self.stderr);
        for gate in &summary.gates {
            assert_eq!(gate.verdict, Verdict::Passed, "{}: {told}", gate.check);
        }
        let expected = if summary.problems.is_empty() {
            (Verdict::Passed, Some(0))
        } else {
            (Verdict::Inconclusive, Some(4))
        };
        assert_eq!((summary.verdict, self.code), expected, "{told}");
        let was_late = |problem: &String| problem.contains(" was late: send lag");
        assert!(summary.problems.iter().all(was_late), "{told}");
    }

    /// How often `counter` was counted over the whole run, by all workers.
    pub(crate) fn counted(&self, counter: &str) -> u64 {
        intervals(&self.record)
            .iter()
            .filter_map(|interval| interval["counters"][counter].as_u64())
            .sum()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits until `condition` gives something.
pub(crate) fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(
            started.elapsed() < PATIENCE,
            "{what}: not within {PATIENCE:?}"
        );
        #[expect(
            clippy::disallowed_methods,
            reason = "a pause between two looks at a condition"
        )]
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Whether a process runs (a zombie does not).
pub(crate) fn is_running(pid: Pid) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        stat.rsplit(") ")
            .next()
            .is_some_and(|rest| !rest.starts_with('Z'))
    })
}

/// Last instant that the record has an interval of.
pub(crate) fn last_recorded(record: &Path) -> Option<f64> {
    intervals(record).last()?["at"].as_f64()
}

/// All processes below `pid`.
pub(crate) fn children_of(pid: Pid) -> Vec<Pid> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|children| {
            children
                .split_whitespace()
                .filter_map(|pid| pid.parse().ok().map(Pid::from_raw))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn steady_from(record: &Path) -> Option<f64> {
    lines(&record.join("events.jsonl"))
        .iter()
        .find(|event| event["phase"] == "steady")?["at"]
        .as_f64()
}

fn intervals(record: &Path) -> Vec<serde_json::Value> {
    lines(&record.join("intervals.jsonl"))
}

/// The complete lines of a file that may still be written to.
fn lines(path: &Path) -> Vec<serde_json::Value> {
    fs::read_to_string(path)
        .unwrap_or_default()
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn command_line(pid: Pid) -> Option<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    Some(String::from_utf8_lossy(&line).replace('\0', " "))
}
