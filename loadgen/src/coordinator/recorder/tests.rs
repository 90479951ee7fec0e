//! The record of broken and of excessive intervals.

use std::path::Path;

use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};
use highwater_reports::record::RECORD_SCHEMA;
use tokio::time::Instant;

use super::*;
use crate::sampling::host;

const SCENARIO: &str = r#"
    name = "recorder"
    duration = "1s"
    [target]
    ws = "ws://127.0.0.1:1/ws?device={device}"
    [[devices]]
    name = "home"
    count = 1
    ramp = "1/s"
    heartbeat = "1s"
"#;

fn recorder(dir: &Path) -> RunRecorder {
    let manifest = Manifest {
        schema: RECORD_SCHEMA,
        started_at: chrono::Utc::now(),
        plan: highwater_scenarios::parse("scenario.toml", SCENARIO, &[]).unwrap(),
        scenario_text: String::new(),
        sets: Vec::new(),
        workers: 1,
        versions: BTreeMap::new(),
        host: host(),
        balancer_configuration: None,
    };
    let writer = RecordWriter::create(dir, &manifest).unwrap();
    RunRecorder::new(writer, manifest, RunClock::starting_at(Instant::now()), 1)
}

fn histogram() -> String {
    let mut histogram = latency_histogram();
    histogram.record(5).unwrap();
    let mut bytes = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    serializer.serialize(&histogram, &mut bytes).unwrap();
    BASE64_STANDARD.encode(bytes)
}

fn named<T: Clone>(entries: &[(&str, T)]) -> Vec<(String, T)> {
    let entries = entries.iter();
    entries
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

#[test]
fn broken_interval_of_a_worker_does_not_end_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = recorder(dir.path());
    for second in [0, 1, u64::MAX, 1 << 40] {
        let mut interval = WorkerInterval {
            second,
            length: 2,
            counters: named(&[
                ("a,b", 1),
                ("sockets.opened", u64::MAX),
                ("heartbeats.sent", 3),
            ]),
            latencies: named(&[
                ("a b", histogram()),
                ("connect", histogram()),
                ("reconnect", "!!".to_owned()),
            ]),
            ..WorkerInterval::default()
        };
        interval.enforce_limits();
        recorder.record_worker_interval("w1", interval).unwrap();
    }
    let lost = recorder.finish().unwrap();
    assert_eq!((lost.impossible_times, lost.undecodable_histograms), (2, 2));
    assert_eq!(lost.left_out.invalid_names, 4);
    let record = highwater_reports::read(dir.path()).unwrap();
    assert_eq!(record.problems, Vec::<String>::new());
    assert_eq!(record.latencies.tags().collect::<Vec<_>>(), ["connect"]);
    let names = record.intervals.iter().flat_map(|row| row.counters());
    let names: Vec<_> = names.collect();
    assert_eq!(names, [("heartbeats.sent", 3), ("heartbeats.sent", 3)]);
}

#[test]
fn histograms_in_memory_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = recorder(dir.path());
    let most = MAX_PENDING_LINES.0 + MAX_PENDING_LINES.1;
    let mut sent = 0;
    for second in 0..5 {
        for part in 0..10 {
            let tags: Vec<String> = (0..30).map(|tag| format!("t{part}.{tag}")).collect();
            let tags = tags.iter().map(|tag| (tag.clone(), histogram()));
            let interval = WorkerInterval {
                second,
                length: 1,
                latencies: tags.collect(),
                ..WorkerInterval::default()
            };
            sent += interval.latencies.len();
            let left_out = recorder.record_worker_interval("w1", interval).unwrap();
            sent -= left_out.excess_names as usize;
            assert!(recorder.latency_lines.len() <= most);
        }
    }
    assert!(sent > most);
    recorder.finish().unwrap();
    // What did not fit is in the file.
    let lines = std::fs::read_to_string(dir.path().join("latency.hlog")).unwrap();
    assert_eq!(lines.matches("Tag=").count(), sent);
}
