//! Pictures of the live display, in tmux.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::page::screenshot;
use crate::steps::step;

/// The name of a tmux server of its own, so that other sessions are not touched.
const SOCKET: &str = "highwater-pictures";
/// Columns and rows.
const SIZE: (&str, &str) = ("100", "28");
/// Pixels of a hundred columns, and of a line.
const WIDTH: u32 = 900;
const LINE: u32 = 15;
/// The timeout of each wait for a text on the screen.
const WAIT_TIMEOUT: Duration = Duration::from_secs(180);

/// Runs the smoke scenario in a terminal, its record in `out`, and takes a
/// picture in the middle of the steady phase.
pub(super) fn picture(out: &Path, to: &Path) -> Result<()> {
    let run = format!(
        "target/release/highwater run scenarios/smoke.toml --out {}; read",
        out.display()
    );
    let (columns, rows) = SIZE;
    step(
        "a terminal",
        tmux(&["new-session", "-d", "-x", columns, "-y", rows]).arg(run),
    )?;
    let taken = wait_for("traffic in the steady phase", has_traffic)
        .and_then(|_| capture(to))
        .and_then(|()| wait_for("the end", |screen| screen.contains("report  ")))
        .and_then(|_| capture(&to.with_file_name("terminal-end.png")));
    // Also after a failure. The command fails if the server has ended already.
    let _ = tmux(&["kill-server"]).status();
    taken
}

fn capture(to: &Path) -> Result<()> {
    // With escape sequences, from which aha makes colours.
    let screen = screen(&["-e"])?;
    let screen = screen.trim_end();
    let height = (screen.lines().count() as u32 + 2) * LINE;
    let text = to.with_extension("ansi");
    fs::write(&text, screen)?;
    let html = Command::new("aha")
        .args(["--black", "--title", "highwater", "-f"])
        .arg(&text)
        .output()
        .context("aha turns a terminal's colours into a page")?;
    let page = to.with_extension("html");
    fs::write(&page, html.stdout)?;
    let address = format!("file://{}", std::path::absolute(&page)?.display());
    screenshot(&address, to, (WIDTH, height), &[])?;
    fs::remove_file(text)?;
    fs::remove_file(page)?;
    Ok(())
}

/// Whether commands of the steady phase have response times.
fn has_traffic(screen: &str) -> bool {
    let timed = |line: &str| line.starts_with("commands") && line.contains("ms");
    screen.contains("left of") && screen.lines().any(timed)
}

fn wait_for(name: &str, condition: impl Fn(&str) -> bool) -> Result<String> {
    let started = Instant::now();
    while started.elapsed() < WAIT_TIMEOUT {
        let screen = screen(&[])?;
        if condition(&screen) {
            return Ok(screen);
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "a pause between two captures of the screen"
        )]
        std::thread::sleep(Duration::from_millis(500));
    }
    bail!("{name} did not show within {WAIT_TIMEOUT:?}")
}

fn screen(arguments: &[&str]) -> Result<String> {
    let output = tmux(&["capture-pane", "-p"]).args(arguments).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn tmux(arguments: &[&str]) -> Command {
    let mut tmux = Command::new("tmux");
    tmux.args(["-L", SOCKET]).args(arguments);
    tmux
}
