//! Everything that must hold before a change lands.

use std::{env, process};

use anyhow::Result;

use crate::steps::{cargo, step};

/// Formatting, lints, all tests, the smoke scenario with its gates.
pub(crate) fn run() -> Result<()> {
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
    step("tests", &mut cargo(&["test", "--workspace", "--locked"]))?;
    let out = env::temp_dir().join(format!("highwater-smoke-{}", process::id()));
    step(
        "smoke run",
        cargo(&[
            "run",
            "--release",
            "--locked",
            "--",
            "run",
            "scenarios/smoke.toml",
            "--out",
        ])
        .arg(&out),
    )?;
    eprintln!(
        "all passed; the smoke run's report is {}/report.html",
        out.display()
    );
    Ok(())
}
