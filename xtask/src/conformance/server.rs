//! The suite's client against a node's echo endpoint.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result};
use serde_json::json;

use super::{CASES, results::SuiteResults, suite::AutobahnSuite};
use crate::steps::{BackgroundProcess, cargo, step};

/// Runs a node, and the suite's client against it.
pub(super) fn run(suite: &AutobahnSuite, folder: &Path) -> Result<SuiteResults> {
    let build = "build --locked --package highwater";
    step("build of the node", &mut cargo(build))?;
    let (node, address) = start_node()?;
    let folder = folder.join("server");
    let spec = json!({
        "outdir": folder,
        "servers": [{ "agent": "highwater-node", "url": format!("ws://{address}/echo") }],
        "cases": CASES,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    });
    step(
        "the node against the suite's client",
        &mut suite.command("fuzzingclient", &spec, &folder)?,
    )?;
    drop(node);
    SuiteResults::read("node, /echo", &folder)
}

fn start_node() -> Result<(BackgroundProcess, String)> {
    let mut command = Command::new("target/debug/highwater");
    command
        // Port 0, because a fixed port may be in use; the first line names the port.
        .args(["serve", "node", "--listen", "127.0.0.1:0"])
        .args(["--id", "conformance", "--echo"])
        .env("RUST_LOG", "warn")
        .stdout(Stdio::piped());
    let mut node = BackgroundProcess::start(command)?;
    let stdout = node.stdout().context("the node's output is not piped")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    let address = line
        .trim_end()
        .strip_prefix("listening on ")
        .with_context(|| format!("the node's first line is {line:?}"))?;
    Ok((node, address.to_owned()))
}
