//! Highwater, from the binary of this workspace.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use highwater_process::Launch;
use serde::Deserialize;

use super::{Launches, Start, Tool, printed_version, script};
use crate::bench::peers::{latency::Latency, target::Target};

pub(super) const NAME: &str = "Highwater";

/// The folder of the run record in the run's directory.
const RECORD: &str = "record";

/// Highwater, with one worker.
pub(super) struct Highwater {
    binary: PathBuf,
}

/// The part of the summary that is read.
#[derive(Deserialize)]
struct Summary {
    heartbeats: Heartbeats,
}

#[derive(Deserialize)]
struct Heartbeats {
    response_ms: Option<Distribution>,
}

#[derive(Deserialize)]
struct Distribution {
    p99: Option<f64>,
    max: Option<f64>,
}

impl Highwater {
    /// Returns the tool with this binary.
    pub(super) fn new(binary: &Path) -> Self {
        Self {
            binary: binary.to_owned(),
        }
    }
}

impl Tool for Highwater {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> Option<String> {
        printed_version(&self.binary, "--version")
    }

    fn supports(&self, target: Target) -> bool {
        matches!(target, Target::Json | Target::Node)
    }

    fn launches(&self, start: &Start<'_>) -> Result<Launches> {
        let template = match start.load.target {
            Target::Json => "highwater-json.toml",
            Target::Node => "highwater-node.toml",
        };
        let template = fs::read_to_string(script(template))?;
        let scenario = start.directory.join("scenario.toml");
        fs::write(&scenario, start.load.fill(&template, start.port))?;
        let mut arguments = ["run", "--no-progress", "--workers", "1", "--out"]
            .map(str::to_owned)
            .to_vec();
        arguments.push(start.directory.join(RECORD).display().to_string());
        arguments.push(scenario.display().to_string());
        let log = start.directory.join("highwater.log");
        // The run has workers of its own.
        Ok(Launch::new(&self.binary, arguments, log)
            .with_children()
            .into())
    }

    fn latency(&self, directory: &Path) -> Result<Latency> {
        let file = directory.join(RECORD).join("summary.json");
        parse(&fs::read_to_string(file).context("Highwater wrote no summary")?)
    }
}

/// Reads the response time, which begins when a heartbeat is due.
fn parse(summary: &str) -> Result<Latency> {
    let summary: Summary =
        serde_json::from_str(summary).context("cannot read Highwater's summary")?;
    let response = summary.heartbeats.response_ms;
    Ok(Latency {
        p99_ms: response.as_ref().and_then(|response| response.p99),
        max_ms: response.as_ref().and_then(|response| response.max),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn response_time_is_read_from_a_real_summary() {
        let summary = include_str!("../../../../tests/peers/highwater-summary.json");
        let latency = parse(summary).unwrap();
        assert_eq!(latency.p99_ms, Some(2.213));
        assert_eq!(latency.max_ms, Some(9.031));
    }

    #[test]
    fn summary_without_responses_has_no_latency() {
        let none = parse(r#"{"heartbeats":{"response_ms":null}}"#).unwrap();
        assert_eq!(none, Latency::default());
        assert!(parse("{}").is_err());
    }
}
