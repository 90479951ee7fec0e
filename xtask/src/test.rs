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
    // The fast checks first: a formatting error should not take a test run to appear.
    step("formatting", &mut cargo("fmt --all --check"))?;
    // The features that are off by default bring brokers' clients, and are tested with the rest.
    let lints = "clippy --workspace --all-features --all-targets --locked -- --deny warnings";
    step("lints", &mut cargo(lints))?;
    let lints = "clippy --workspace --locked -- --deny warnings";
    step("lints of the default features", &mut cargo(lints))?;
    eprintln!("── prose");
    prose::run(&[])?;
    // Tests wait more than they compute, for sockets, leases and whole runs. With one
    // thread for each processor, four fifths of the machine's time are idle.
    let threads = 2 * thread::available_parallelism().map_or(1, usize::from);
    let tests = format!("test --workspace --all-features --locked -- --test-threads={threads}");
    step("tests", &mut cargo(&tests))?;
    smoke()
}

/// Runs the smoke scenario with its gates.
fn smoke() -> Result<()> {
    step("release build", &mut cargo("build --release --locked"))?;
    // An inconclusive run says nothing about the cluster, only that this machine was busy.
    for attempt in 1..=ATTEMPTS {
        let out = env::temp_dir().join(format!("highwater-smoke-{}-{attempt}", process::id()));
        let mut run = Command::new("target/release/highwater");
        run.args(["run", "scenarios/smoke.toml", "--no-progress", "--out"]);
        // A child of this task and not a step: exit code 4 is not a failure yet.
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
