//! The pictures of the documents, taken from real runs.
//!
//! - [`page`]: reports in headless Chromium, on a screen, a phone, on paper;
//! - [`terminal`]: the live display in tmux;
//! - [`data`]: what pandas draws from an export.
//!
//! The images for the documents go to `docs/images/`, the previews to
//! `target/pictures/`.

mod data;
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
const PREVIEWS: &str = "target/pictures";

/// Builds, runs the scenarios that are shown, and takes every picture.
pub(crate) fn run() -> Result<()> {
    step("build", &mut cargo("build --release --locked"))?;
    fs::create_dir_all(IMAGES)?;
    let (images, previews) = (Path::new(IMAGES), Path::new(PREVIEWS));
    // A run refuses the directory of an earlier record.
    if previews.exists() {
        fs::remove_dir_all(previews)?;
    }
    fs::create_dir_all(previews)?;

    let smoke = previews.join("run-smoke");
    terminal::picture(&smoke, &images.join("terminal.png"))?;
    page::pictures(&smoke, previews)?;
    page::top(&smoke, &images.join("report.png"))?;

    // The catalogue opens 20 sockets a second, which would take minutes here.
    let fast: &[&str] = &["devices.home.ramp=1000/s", "duration=45s"];
    for (scenario, sets, chart, image) in [
        ("stall", &[][..], "command-latency", "stall-command-latency"),
        ("node-kill", &[], "sockets", "kill-sockets"),
        ("idle-5k", fast, "memory-fit", "memory-fit"),
    ] {
        let run = highwater(scenario, sets, previews)?;
        page::pictures(&run, previews)?;
        let from = run.join("charts").join(format!("{chart}.svg"));
        fs::copy(&from, images.join(format!("{image}.svg")))
            .with_context(|| format!("cannot copy {}", from.display()))?;
        if scenario == "node-kill" {
            data::picture(&run, &images.join("pandas.png"))?;
        }
    }
    eprintln!("look at {PREVIEWS} and {IMAGES}");
    Ok(())
}

/// Runs a scenario with the binary that was built, and returns the directory of its record.
fn highwater(scenario: &str, sets: &[&str], previews: &Path) -> Result<PathBuf> {
    let out = previews.join(format!("run-{scenario}"));
    let mut run = Command::new("target/release/highwater");
    run.args(["run", "--no-progress"])
        .arg(format!("scenarios/{scenario}.toml"))
        .args(sets.iter().flat_map(|set| ["--set", set]));
    step(scenario, run.arg("--out").arg(&out))?;
    Ok(out)
}
