//! `latency.hlog` in the format that other tools read.

use std::{fs, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use hdrhistogram::{
    Histogram,
    serialization::{
        Deserializer,
        interval_log::{IntervalLogIterator, LogEntry},
    },
};
use highwater_reports::{
    RecordWriter,
    histogram::{self, HIGHEST_US, latency_histogram},
    record::files,
};
use highwater_scenarios::plan::PhaseWindow;
use proptest::prelude::*;

use crate::run::TestRun;

/// The reader is the histogram crate's own.
#[test]
fn independent_reader_reads_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = TestRun::clean();
    run.latencies.clear();
    run.add_latency("connect", 3.5, &[1, 20, 300])
        .write(dir.path());
    let text = fs::read(dir.path().join(files::LATENCY)).unwrap();
    let entries: Vec<_> = IntervalLogIterator::new(&text)
        .map(Result::unwrap)
        .collect();
    let zero = Duration::from_secs(1_800_000_000);
    assert_eq!(entries[0], LogEntry::StartTime(zero));
    assert_eq!(entries[1], LogEntry::BaseTime(zero));
    let LogEntry::Interval(line) = &entries[2] else {
        panic!("{entries:?}");
    };
    assert_eq!(line.tag().unwrap().as_str(), "connect");
    assert_eq!(line.start_timestamp(), Duration::from_millis(3_500));
    assert_eq!(line.duration(), Duration::from_secs(1));
    assert!(
        (line.max() / 300.0 - 1.0).abs() < 1e-3,
        "in milliseconds: {}",
        line.max()
    );
    let bytes = STANDARD.decode(line.encoded_histogram()).unwrap();
    let found: Histogram<u64> = Deserializer::new()
        .deserialize(&mut bytes.as_slice())
        .unwrap();
    assert_eq!(found.len(), 3);
    assert!(found.equivalent(found.value_at_quantile(0.5), 20_000));
}

#[test]
fn invalid_tag_is_rejected() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = RecordWriter::create(dir.path(), &TestRun::clean().manifest).unwrap();
    let mut one = latency_histogram();
    histogram::record(&mut one, Duration::from_millis(1));
    let error = writer
        .append_latency("two words", 0.0, 1.0, &one)
        .unwrap_err();
    assert!(error.to_string().contains("latency.hlog"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn split_lines_merge_to_the_histogram_of_all_values(
        values in prop::collection::vec((1..HIGHEST_US, 5..25_u32), 1..200),
    ) {
        let mut run = TestRun::clean();
        run.latencies.clear();
        let mut all = latency_histogram();
        for &(value, second) in &values {
            let value = Duration::from_micros(value);
            histogram::record(&mut all, value);
            run.add_latency("x", f64::from(second), &[]);
            histogram::record(&mut run.latencies.last_mut().unwrap().histogram, value);
        }
        let record = run.record();
        prop_assert_eq!(record.latencies.window("x", PhaseWindow::Steady), Some(&all));
        let mut blocks = latency_histogram();
        for (_, block) in record.latencies.blocks("x") {
            blocks.add(block).unwrap();
        }
        prop_assert_eq!(blocks.len(), all.len());
        prop_assert_eq!(blocks.max(), all.max());
        prop_assert_eq!(blocks.value_at_quantile(0.9), all.value_at_quantile(0.9));
    }
}
