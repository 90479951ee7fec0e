//! The suite's server against the harness's device socket.

use std::{
    net::TcpStream,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use serde_json::json;

use super::{CASES, results::SuiteResults, suite::AutobahnSuite};
use crate::steps::{BackgroundProcess, cargo, step};

/// The timeout for the suite's server to listen.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(60);
/// The time between two probes.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Runs the suite's server, and connects the device socket to it for each case.
pub(super) fn run(suite: &AutobahnSuite, folder: &Path) -> Result<SuiteResults> {
    let build = "build --locked --package highwater-loadgen --example echo_client";
    step("build of the harness's socket", &mut cargo(build))?;
    let port = highwater_process::port::pick_free_port()?;
    let url = format!("ws://127.0.0.1:{port}");
    let folder = folder.join("client");
    // Port 0 turns off the pages that the suite serves to a browser.
    let spec = json!({
        "url": url,
        "outdir": folder,
        "webport": 0,
        "cases": CASES,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    let mut server = BackgroundProcess::start(suite.command("fuzzingserver", &spec, &folder)?)?;
    await_port(&mut server, port)?;
    step(
        "the harness's socket against the suite's server",
        Command::new("target/debug/examples/echo_client").arg(&url),
    )?;
    // The suite's server does not end by itself.
    drop(server);
    SuiteResults::read("harness, device socket", &folder)
}

fn await_port(server: &mut BackgroundProcess, port: u16) -> Result<()> {
    let deadline = Instant::now() + LISTEN_TIMEOUT;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        server.check()?;
        if Instant::now() > deadline {
            bail!("the suite's server does not listen after {LISTEN_TIMEOUT:?}");
        }
        thread::park_timeout(POLL_INTERVAL);
    }
    Ok(())
}
