//! A run of the binary in a directory of its own.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

use super::{
    FinishedRun,
    process::{child_pids, command_line, eventually, highwater},
    record::{last_interval_at, steady_start},
};

/// A run that has been started.
pub(crate) struct CliRun {
    /// Taken when the run is finished.
    folder: Option<TempDir>,
    child: Option<Child>,
}

impl CliRun {
    /// Starts `highwater run` with a scenario of this text.
    pub(crate) fn start(scenario: &str) -> Self {
        Self::start_with(scenario, &[])
    }

    /// Starts a run with more arguments.
    pub(crate) fn start_with(scenario: &str, arguments: &[&str]) -> Self {
        Self::launch("run", scenario, |command| command.args(arguments))
    }

    /// Starts a run with another command that runs scenarios, and with the environment that
    /// its process needs.
    pub(crate) fn launch(
        command: &str,
        scenario: &str,
        more: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Self {
        let folder = TempDir::new().expect("a temporary directory");
        let file = folder.path().join("scenario.toml");
        fs::write(&file, scenario).expect("a scenario file");
        let mut command = highwater(&[command, "--no-progress"]);
        let child = more(&mut command)
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
    pub(crate) fn run_to_end(scenario: &str) -> FinishedRun {
        Self::start(scenario).finish()
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self) -> FinishedRun {
        let child = self.child.take().expect("a run ends once");
        let output = child.wait_with_output().expect("highwater's output");
        let record = self.record();
        let folder = self.folder.take().expect("a run ends once");
        FinishedRun::from_output(folder, record, output)
    }

    /// Returns the directory of its record.
    pub(crate) fn record(&self) -> PathBuf {
        let folder = self.folder.as_ref().expect("a run ends once");
        folder.path().join("run")
    }

    /// Returns the process id.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.as_ref().expect("a running run").id() as i32)
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("the run is there");
    }

    /// Waits until the record says that the steady phase has begun and `extra`
    /// more seconds of it are recorded.
    pub(crate) fn wait_until_steady(&self, extra: f64) {
        let record = self.record();
        let steady = eventually("the steady phase", || steady_start(&record));
        let last = || last_interval_at(&record).filter(|at| *at >= steady + extra);
        eventually("some seconds of it", last);
    }

    /// Processes that it has started whose command line contains `word`.
    pub(crate) fn children(&self, word: &str) -> Vec<Pid> {
        child_pids(self.pid())
            .into_iter()
            .filter(|pid| command_line(*pid).is_some_and(|line| line.contains(word)))
            .collect()
    }
}

impl Drop for CliRun {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Reached only when a test fails before its run ends. Both fail if the child has
            // ended.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
