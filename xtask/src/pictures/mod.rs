//! The pictures of the documents, taken from real runs.
//!
//! - [`page`]: reports in headless Chromium, on a screen, a phone, on paper;
//! - [`terminal`]: the live display in tmux.
//!
//! The images for the documents go to `docs/images/`, the previews to
//! `target/pictures/`.

mod page;
mod terminal;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::steps::{cargo, step};

/// The folder of the documents' images.
const IMAGES: &str = "docs/images";
/// The folder of the previews.
const LOOK: &str = "target/pictures";

/// Builds, runs the scenarios that are shown, and takes every picture.
pub(crate) fn run() -> Result<()> {
    step("build", &mut cargo(&["build", "--release", "--locked"]))?;
    fs::create_dir_all(IMAGES)?;
    let look = PathBuf::from(LOOK);
    if look.exists() {
        fs::remove_dir_all(&look)?;
    }
    fs::create_dir_all(&look)?;

    terminal::picture(
        &look.join("run-smoke"),
        &Path::new(IMAGES).join("terminal.png"),
    )?;
    let smoke = look.join("run-smoke");
    page::pictures(&smoke, &look)?;
    page::top(&smoke, &Path::new(IMAGES).join("report.png"))?;

    let stall = highwater("stall", &look)?;
    page::pictures(&stall, &look)?;
    chart(&stall, "command-latency", "stall-command-latency")?;
    let kill = highwater("node-kill", &look)?;
    page::pictures(&kill, &look)?;
    chart(&kill, "sockets", "kill-sockets")?;
    let idle = idle(&look)?;
    page::pictures(&idle, &look)?;
    chart(&idle, "memory-fit", "memory-fit")?;
    eprintln!("look at {LOOK} and {IMAGES}");
    Ok(())
}

/// The binary that was built.
fn binary() -> Command {
    Command::new("target/release/highwater")
}

fn highwater(scenario: &str, look: &Path) -> Result<PathBuf> {
    let out = look.join(format!("run-{scenario}"));
    let mut run = binary();
    run.args(["run", "--no-progress"])
        .arg(format!("scenarios/{scenario}.toml"));
    step(scenario, run.arg("--out").arg(&out))?;
    Ok(out)
}

/// The article's first test, its ramp fifty times as fast.
fn idle(look: &Path) -> Result<PathBuf> {
    let out = look.join("run-idle-5k");
    let mut run = binary();
    run.args(["run", "--no-progress", "scenarios/idle-5k.toml"]);
    run.args(["--set", "devices.home.ramp=1000/s", "--set", "duration=45s"]);
    step("idle-5k", run.arg("--out").arg(&out))?;
    Ok(out)
}

fn chart(run: &Path, chart: &str, name: &str) -> Result<()> {
    let from = run.join("charts").join(format!("{chart}.svg"));
    let to = Path::new(IMAGES).join(format!("{name}.svg"));
    fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
    Ok(())
}
