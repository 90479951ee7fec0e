//! Commands that a task consists of.

use std::{
    process::{Child, ChildStdout, Command},
    time::Instant,
};

use anyhow::{Context, Result, bail};

/// Runs `command`, shows what it does, and fails when it fails.
pub(crate) fn step(name: &str, command: &mut Command) -> Result<()> {
    eprintln!("── {name}");
    let started = Instant::now();
    let status = command
        .status()
        .with_context(|| format!("cannot start {:?}", command.get_program()))?;
    if !status.success() {
        bail!("{name}: {status}");
    }
    eprintln!("── {name}: ok, {} s", started.elapsed().as_secs());
    Ok(())
}

/// Returns the command of the cargo that runs this task, with arguments separated by
/// spaces.
pub(crate) fn cargo(arguments: &str) -> Command {
    // Cargo sets the variable. Without it the task was started by hand.
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments.split(' '));
    command
}

/// A child that ends with its owner.
pub(crate) struct BackgroundProcess {
    child: Child,
    program: String,
}

impl BackgroundProcess {
    /// Starts it.
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        Ok(Self { child, program })
    }

    /// Returns the piped output, at the first call only.
    pub(crate) fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Returns an error if it has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("{}: {status}", self.program),
            None => Ok(()),
        }
    }
}

impl Drop for BackgroundProcess {
    fn drop(&mut self) {
        // Both do nothing to a child that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
