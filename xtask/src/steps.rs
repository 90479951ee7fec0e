//! Commands that a task is made of.

use std::{process::Command, time::Instant};

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

/// The cargo that runs this task.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}
