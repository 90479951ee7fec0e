//! The parts of a run's record that its summary does not show.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde::{Deserialize, de::DeserializeOwned};

use super::handled::Handled;

/// The counter of accepted records in the lines of workers.
const ACCEPTED: &str = "telemetry.accepted";
/// The ends of the names of journals.
const JOURNAL: &str = ".journal.jsonl";

/// A record of telemetry.
pub(super) struct TelemetryRecord {
    /// The start of the steady phase, in time since 1970.
    pub(super) steady: Duration,
    /// The records accepted in the steady phase.
    pub(super) accepted: u64,
    /// The lines of all consumers' journals, in the order of their times.
    pub(super) handled: Vec<Handled>,
}

/// The part of `manifest.json` that is read.
#[derive(Deserialize)]
struct Manifest {
    started_at: String,
}

/// The part of a line of `events.jsonl` that is read.
#[derive(Deserialize)]
struct Event {
    at: f64,
    phase: Option<String>,
}

/// The part of a line of `intervals.jsonl` that is read.
#[derive(Deserialize)]
struct Interval {
    at: f64,
    source: Source,
    #[serde(default)]
    counters: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct Source {
    role: String,
}

impl TelemetryRecord {
    /// Reads the record in this directory.
    ///
    /// # Errors
    /// A message if a file is missing or not readable.
    pub(super) fn read(record: &Path) -> Result<Self> {
        let manifest: Manifest = serde_json::from_str(&read(&record.join("manifest.json"))?)?;
        let started_at: DateTime<Utc> = manifest.started_at.parse()?;
        let started_at = Duration::try_from_secs_f64(started_at.timestamp_micros() as f64 / 1e6)?;
        let events: Vec<Event> = lines(&read(&record.join("events.jsonl"))?);
        let start_of = |phase: &str| {
            let mut events = events.iter();
            let event = events.find(|event| event.phase.as_deref() == Some(phase));
            event.map(|event| event.at)
        };
        let from = start_of("steady").context("the run has no steady phase")?;
        let until = start_of("drain").context("the run has no drain")?;
        let intervals: Vec<Interval> = lines(&read(&record.join("intervals.jsonl"))?);
        let steady = intervals.iter().filter(|interval| {
            interval.source.role == "worker" && (from..until).contains(&interval.at)
        });
        Ok(Self {
            steady: started_at + Duration::try_from_secs_f64(from)?,
            accepted: steady
                .filter_map(|interval| interval.counters.get(ACCEPTED))
                .sum(),
            handled: handled(&record.join("logs"))?,
        })
    }
}

/// Reads the journals of all consumers.
fn handled(logs: &Path) -> Result<Vec<Handled>> {
    let mut handled = Vec::new();
    for entry in fs::read_dir(logs).context("cannot read the logs of the run")? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(JOURNAL) {
            handled.extend(lines::<Handled>(&read(&path)?));
        }
    }
    handled.sort_by_key(|record| record.at);
    Ok(handled)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Parses lines of JSON. A line that cannot be parsed is left out: a killed process may have
/// written half of its last one, and the run itself counts the others.
fn lines<T: DeserializeOwned>(text: &str) -> Vec<T> {
    let lines = text.lines();
    lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acceptances_of_the_steady_phase_and_all_journals_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            "manifest.json",
            r#"{"schema":2,"started_at":"1970-01-01T00:16:40.250Z"}"#,
        );
        write(
            "events.jsonl",
            r#"{"at":2.0,"kind":"phase","phase":"ramp"}
{"at":5.0,"kind":"phase","phase":"steady"}
{"at":6.0,"kind":"action","action":"kill-consumer","node":"c2","error":null}
{"at":7.0,"kind":"phase","phase":"drain"}
"#,
        );
        let interval = |at: u32, role: &str, accepted: u32| {
            format!(
                r#"{{"at":{at}.0,"length":1.0,"source":{{"role":"{role}","id":"w1"}},"counters":{{"telemetry.accepted":{accepted}}}}}"#
            )
        };
        let intervals = [
            interval(5, "worker", 10),
            interval(6, "worker", 20),
            interval(6, "coordinator", 400),
            // Accepted in the drain.
            interval(7, "worker", 800),
        ];
        write("intervals.jsonl", &intervals.join("\n"));
        let line = |at: &str, id: u32| {
            format!(r#"{{"at":{at},"device":"home-1","id":"0-{id}","redelivered":false}}"#)
        };
        write(
            "logs/c1.journal.jsonl",
            &format!(
                "{}\n{}\n{{\"at\":1",
                line("1005300.5", 3),
                line("1005100", 1)
            ),
        );
        write("logs/c2.journal.jsonl", &line("1005200", 2));
        write("logs/n1.log", "no journal");

        let record = TelemetryRecord::read(directory.path()).unwrap();
        assert_eq!(record.steady, Duration::from_millis(1_005_250));
        assert_eq!(record.accepted, 30);
        let found = record.handled.iter();
        let found: Vec<_> = found
            .map(|line| (line.number, line.at.as_micros()))
            .collect();
        let expected = [(1, 1_005_100_000), (2, 1_005_200_000), (3, 1_005_300_500)];
        assert_eq!(found, expected);
    }
}
