//! Reports in headless Chromium.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::steps::step;

/// Flags that disable the browser's sandbox, its network and its saved state.
const FLAGS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];

/// Chromium's switch for a page that is asked for dark colours.
const DARK: &str = "--blink-settings=preferredColorScheme=0";

/// Takes the whole report of a run: light, dark, on a phone, on paper.
pub(super) fn pictures(run: &Path, previews: &Path) -> Result<()> {
    let name = run
        .file_name()
        .context("a run has a name")?
        .to_string_lossy();
    let name = name.trim_start_matches("run-");
    let page = page(run)?;
    let picture = |kind: &str| previews.join(format!("{name}-{kind}.png"));
    screenshot(&page, &picture("light"), (1280, 7200), &[])?;
    screenshot(&page, &picture("dark"), (1280, 7200), &[DARK])?;
    screenshot(&page, &picture("phone"), (390, 12000), &[])?;
    print(&page, &previews.join(format!("{name}.pdf")))
}

/// Takes the first screen of a run's report.
pub(super) fn top(run: &Path, to: &Path) -> Result<()> {
    screenshot(&page(run)?, to, (1280, 1500), &[])
}

/// Takes any page in a window of this many pixels.
pub(super) fn screenshot(
    page: &str,
    to: &Path,
    (width, height): (u32, u32),
    flags: &[&str],
) -> Result<()> {
    let size = format!("--window-size={width},{height}");
    let picture = format!("--screenshot={}", absolute(to)?.display());
    chromium(page, to, &[&[&size, picture.as_str()], flags].concat())
}

fn print(page: &str, to: &Path) -> Result<()> {
    let pdf = format!("--print-to-pdf={}", absolute(to)?.display());
    chromium(page, to, &[&pdf, "--no-pdf-header-footer"])
}

fn chromium(page: &str, to: &Path, flags: &[&str]) -> Result<()> {
    // A profile of its own: a browser that runs already would take the page over.
    let profile = env::temp_dir().join(format!("highwater-chromium-{}", std::process::id()));
    let mut chromium = Command::new("chromium");
    chromium
        .args(FLAGS)
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(flags)
        .arg(page)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let outcome = step(&to.display().to_string(), &mut chromium);
    // A profile that is left behind is in the way of nothing.
    let _ = fs::remove_dir_all(profile);
    outcome?;
    // Chromium exits with 0 when it cannot write the file.
    ensure!(to.exists(), "chromium wrote no {}", to.display());
    Ok(())
}

fn page(run: &Path) -> Result<String> {
    let report = absolute(&run.join("report.html"))?;
    Ok(format!("file://{}", report.display()))
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| path.display().to_string())
}
