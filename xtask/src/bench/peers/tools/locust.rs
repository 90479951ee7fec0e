//! Locust, from PyPI, with `websocket-client`.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use highwater_process::Launch;
use highwater_services::python;

use super::{Launches, Start, Tool, printed_version, script};
use crate::bench::peers::{latency::Latency, target::Target};

pub(super) const NAME: &str = "Locust";

/// The begin of the names of Locust's CSV files.
const PREFIX: &str = "locust";

/// Locust, in one process.
pub(super) struct Locust;

impl Tool for Locust {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> Option<String> {
        printed_version(&python::PEERS.program("locust").ok()?, "--version")
    }

    fn supports(&self, target: Target) -> bool {
        matches!(target, Target::Json | Target::Node)
    }

    fn launches(&self, start: &Start<'_>) -> Result<Launches> {
        let load = start.load;
        let arguments = [
            "--headless".to_owned(),
            "--only-summary".to_owned(),
            "--locustfile".to_owned(),
            script("locustfile.py").display().to_string(),
            "--users".to_owned(),
            load.sockets.to_string(),
            "--spawn-rate".to_owned(),
            load.rate_per_s().max(1.0).to_string(),
            "--run-time".to_owned(),
            format!("{}s", load.run_length().as_secs()),
            "--csv".to_owned(),
            start.directory.join(PREFIX).display().to_string(),
        ];
        let log = start.directory.join("locust.log");
        let launch = Launch::new(python::PEERS.program("locust")?, arguments, log)
            .with_env("URL", load.url(start.port))
            .with_env("INTERVAL", load.interval.as_secs().to_string())
            .with_env("PING", u8::from(load.target == Target::Node).to_string());
        Ok(launch.into())
    }

    fn latency(&self, directory: &Path) -> Result<Latency> {
        let file = directory.join(format!("{PREFIX}_stats.csv"));
        parse(&fs::read_to_string(file).context("Locust wrote no statistics")?)
    }
}

/// Reads the row of the heartbeats. The names in it have neither commas nor quotes.
fn parse(statistics: &str) -> Result<Latency> {
    let mut lines = statistics.lines();
    let head = lines.next().context("Locust's statistics are empty")?;
    let columns: Vec<_> = head.split(',').collect();
    let cells: Vec<_> = lines
        .map(|line| line.split(',').collect::<Vec<_>>())
        .find(|cells| cells.get(1) == Some(&"heartbeat"))
        .context("Locust's statistics have no heartbeats")?;
    let value = |name: &str| -> Result<Option<f64>> {
        let column = columns.iter().position(|column| *column == name);
        let column = column.with_context(|| format!("Locust's statistics have no {name}"))?;
        // Locust writes N/A where it has no figure.
        Ok(cells.get(column).and_then(|cell| cell.parse().ok()))
    };
    Ok(Latency {
        p99_ms: value("99%")?,
        max_ms: value("Max Response Time")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latency_is_read_from_real_statistics() {
        let latency = parse(include_str!("../../../../tests/peers/locust_stats.csv")).unwrap();
        assert_eq!(latency.p99_ms, Some(1100.0));
        assert_eq!(latency.max_ms, Some(1121.751323999888));
    }

    #[test]
    fn statistics_without_heartbeats_are_an_error() {
        let connects_only = "Type,Name,Max Response Time,99%\nWS,connect,17.5,17\n";
        assert!(parse(connects_only).is_err());
        let no_figure = parse("Type,Name,Max Response Time,99%\nWS,heartbeat,9.5,N/A\n").unwrap();
        assert_eq!((no_figure.p99_ms, no_figure.max_ms), (None, Some(9.5)));
    }
}
