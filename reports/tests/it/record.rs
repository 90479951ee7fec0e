//! A record written and read back, whole and torn.

use std::{fs, io::Write};

use highwater_reports::{
    RecordError, RecordWriter, RunRecord, analyse, read,
    record::{Interval, IntervalRow, RunEnd, Source, SourceRole, files},
    summary::Verdict,
};
use proptest::{collection::btree_map, prelude::*};

use crate::run::TestRun;

#[test]
fn directory_that_is_not_empty_is_rejected() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("mine"), "").unwrap();
    let result = RecordWriter::create(dir.path(), &TestRun::clean().manifest);
    assert!(matches!(result, Err(RecordError::NotEmpty(path)) if path == dir.path()));
    assert!(!dir.path().join(files::MANIFEST).exists());
}

#[test]
fn record_of_an_unknown_schema_is_rejected() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join(files::MANIFEST),
        r#"{"schema":9,"new":true}"#,
    )
    .unwrap();
    let error = read(dir.path()).unwrap_err();
    assert!(
        matches!(error, RecordError::Schema { found: 9, .. }),
        "{error}"
    );
}

#[test]
fn torn_last_line_is_left_out_and_reported() {
    let dir = tempfile::tempdir().unwrap();
    TestRun::clean().write(dir.path());
    let whole = read(dir.path()).unwrap();
    for name in [files::INTERVALS, files::EVENTS, files::LATENCY] {
        let path = dir.path().join(name);
        let text = fs::read(&path).unwrap();
        fs::write(&path, &text[..text.len() - 3]).unwrap();
    }
    let torn = read(dir.path()).unwrap();
    assert_eq!(torn.intervals.len(), whole.intervals.len() - 1);
    assert_eq!(torn.events.len(), whole.events.len() - 1);
    assert_eq!(torn.problems.len(), 3, "{:?}", torn.problems);
    let summary = analyse(&torn);
    assert_eq!(summary.ended, RunEnd::Truncated);
    assert_eq!(summary.verdict, Verdict::Inconclusive);
}

#[test]
fn invalid_line_is_left_out_alone() {
    let dir = tempfile::tempdir().unwrap();
    TestRun::clean().write(dir.path());
    let path = dir.path().join(files::INTERVALS);
    let mut text = b"{\"at\": nonsense}\n\xff\xfe\n".to_vec();
    text.extend(fs::read(&path).unwrap());
    fs::write(&path, text).unwrap();
    let record = read(dir.path()).unwrap();
    assert_eq!(record.problems.len(), 1, "{:?}", record.problems);
    assert!(record.problems[0].starts_with("2 lines of intervals.jsonl"));
    assert_eq!(analyse(&record).sockets.opened, 1000);
}

#[test]
fn run_killed_at_once_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    drop(RecordWriter::create(dir.path(), &TestRun::clean().manifest).unwrap());
    let summary = analyse(&read(dir.path()).unwrap());
    assert_eq!(summary.ended, RunEnd::Truncated);
    assert_eq!(summary.sockets.open_at_end, None);

    fs::remove_file(dir.path().join(files::LATENCY)).unwrap();
    let record = read(dir.path()).unwrap();
    assert_eq!(record.problems, ["latency.hlog is missing from the record"]);
}

#[test]
fn run_killed_at_any_byte_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = TestRun::clean();
    run.latencies.truncate(1);
    run.write(dir.path());
    let path = dir.path().join(files::INTERVALS);
    let text = fs::read(&path).unwrap();
    for cut in (0..text.len()).step_by(1_999) {
        fs::write(&path, &text[..cut]).unwrap();
        analyse(&read(dir.path()).unwrap());
    }
}

#[test]
fn flushed_line_is_readable_while_the_writer_lives() {
    let dir = tempfile::tempdir().unwrap();
    let run = TestRun::clean();
    let mut writer = RecordWriter::create(dir.path(), &run.manifest).unwrap();
    writer.append_interval(&run.intervals[0]).unwrap();
    writer.append_event(&run.events[0]).unwrap();
    writer.flush().unwrap();
    let record = read(dir.path()).unwrap();
    assert_eq!(written_intervals(&record), run.intervals[..1]);
    assert_eq!(record.events, run.events[..1]);
    assert_eq!(record.problems, Vec::<String>::new());
    // A later line is appended and does not overwrite.
    fs::OpenOptions::new()
        .append(true)
        .open(dir.path().join(files::EVENTS))
        .unwrap()
        .write_all(b"")
        .unwrap();
    writer.append_event(&run.events[1]).unwrap();
    writer.flush().unwrap();
    assert_eq!(read(dir.path()).unwrap().events, run.events[..2]);
}

/// Returns the rows of a record as the intervals that were written.
fn written_intervals(record: &RunRecord) -> Vec<Interval> {
    let rows = record.intervals.iter();
    let interval = |row: &IntervalRow| Interval {
        at: row.at,
        length: row.length,
        source: (*row.source).clone(),
        counters: row.counters().map(|(k, v)| (k.to_owned(), v)).collect(),
        gauges: row.gauges().map(|(k, v)| (k.to_owned(), v)).collect(),
    };
    rows.map(interval).collect()
}

fn interval() -> impl Strategy<Value = Interval> {
    let role = prop_oneof![
        Just(SourceRole::Node),
        Just(SourceRole::Worker),
        Just(SourceRole::Host)
    ];
    let source = (role, "[a-z0-9<>\" ]{1,8}").prop_map(|(role, id)| Source::new(role, id));
    let counters = btree_map("[a-z.]{1,12}", any::<u64>(), 0..4);
    let gauges = btree_map("[a-z.]{1,12}", -1e12..1e12_f64, 0..4);
    (0.0..1e6_f64, 0.0..10.0_f64, source, counters, gauges).prop_map(
        |(at, length, source, counters, gauges)| Interval {
            at,
            length,
            source,
            counters,
            gauges,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn intervals_survive_writing_and_reading(intervals in prop::collection::vec(interval(), 0..20)) {
        let mut run = TestRun::clean();
        run.intervals = intervals;
        run.latencies.clear();
        prop_assert_eq!(written_intervals(&run.record()), run.intervals);
    }
}
