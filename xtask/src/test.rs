//! Everything that must hold before a change lands.

use std::{
    env,
    process::{self, Command},
    thread,
};

use anyhow::{Context, Result, bail};

use crate::{
    prose, services,
    steps::{cargo, step},
};

/// Exit code of a run in which the harness was the limit.
const INCONCLUSIVE: i32 = 4;
/// Smoke runs before the machine is called too busy.
const ATTEMPTS: u32 = 3;

/// Runs the services for the tests, the format check, the lints, the prose lint, all
/// tests, and the smoke scenario with its gates.
pub(crate) fn run() -> Result<()> {
    services::install()?;
    step("formatting", &mut cargo(&["fmt", "--all", "--check"]))?;
    step(
        "lints",
        &mut cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "--deny",
            "warnings",
        ]),
    )?;
    eprintln!("── prose");
    prose::run(&[])?;
    let threads = format!("--test-threads={}", test_threads());
    step(
        "tests",
        &mut cargo(&["test", "--workspace", "--locked", "--", &threads]),
    )?;
    smoke()
}

/// Tests wait more than they compute, for sockets, leases and whole runs: with one
/// for each processor, four fifths of the machine's time are idle.
fn test_threads() -> usize {
    2 * thread::available_parallelism().map_or(1, usize::from)
}

/// The smoke scenario with its gates. An inconclusive run says nothing about
/// the cluster, only that this machine was busy: it is asked again.
fn smoke() -> Result<()> {
    step(
        "release build",
        &mut cargo(&["build", "--release", "--locked"]),
    )?;
    for attempt in 1..=ATTEMPTS {
        let out = env::temp_dir().join(format!("highwater-smoke-{}-{attempt}", process::id()));
        let mut run = Command::new("target/release/highwater");
        run.args(["run", "scenarios/smoke.toml", "--no-progress", "--out"]);
        let status = run.arg(&out).status().context("cannot start highwater")?;
        match status.code() {
            Some(0) => {
                eprintln!(
                    "all passed; the smoke run's report: {}/report.html",
                    out.display()
                );
                return Ok(());
            }
            Some(INCONCLUSIVE) => eprintln!("inconclusive: attempt {attempt} of {ATTEMPTS}"),
            _ => bail!("smoke run: {status}; its record: {}", out.display()),
        }
    }
    bail!("the smoke run stayed inconclusive: this machine is too busy to measure")
}
