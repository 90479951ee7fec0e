//! A record written and read back, whole and torn.

use std::{
    fs,
    io::Write,
    os::unix::fs::{PermissionsExt, symlink},
    process::Command,
};

use highwater_reports::{
    RecordError, RecordWriter, RunRecord, analyse, read,
    record::{
        Interval, IntervalRow, RecordEvent, RunEnd, Source, SourceRole, TimedEvent, files,
        is_failed_start,
    },
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
fn files_of_a_failed_start_are_replaced_and_those_of_a_run_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let run = TestRun::clean();
    let failed = |ended| {
        let mut writer = RecordWriter::create(dir.path(), &run.manifest).unwrap();
        let end = TimedEvent {
            at: 1.0,
            kind: RecordEvent::End { ended },
        };
        writer.append_event(&end).unwrap();
        writer.flush().unwrap();
        fs::create_dir_all(dir.path().join(files::LOGS)).unwrap();
        fs::write(dir.path().join(files::LOGS).join("w1.log"), "why").unwrap();
    };
    failed(RunEnd::Aborted);
    failed(RunEnd::Interrupted);
    // With a report on it.
    highwater_reports::write_report(dir.path()).unwrap();
    assert!(is_failed_start(dir.path()));
    run.write(dir.path());
    assert!(!dir.path().join(files::LOGS).exists());
    assert!(!is_failed_start(dir.path()));
    let again = RecordWriter::create(dir.path(), &run.manifest);
    assert!(matches!(again, Err(RecordError::NotEmpty(_))));
    // A file of the user's own is not lost.
    let other = tempfile::tempdir().unwrap();
    for name in [files::MANIFEST, files::EVENTS, files::INTERVALS] {
        fs::copy(dir.path().join(name), other.path().join(name)).unwrap();
    }
    fs::write(other.path().join(files::INTERVALS), "").unwrap();
    let end = "{\"at\":1.0,\"kind\":\"end\",\"ended\":\"aborted\"}\n";
    fs::write(other.path().join(files::EVENTS), end).unwrap();
    assert!(is_failed_start(other.path()));
    fs::write(other.path().join("notes"), "mine").unwrap();
    assert!(!is_failed_start(other.path()));
}

#[test]
fn run_that_is_being_written_is_still_running_and_not_killed() {
    let dir = tempfile::tempdir().unwrap();
    let run = TestRun::clean();
    let mut writer = RecordWriter::create(dir.path(), &run.manifest).unwrap();
    writer.append_event(&run.events[0]).unwrap();
    writer.flush().unwrap();
    let summary = analyse(&read(dir.path()).unwrap());
    assert_eq!(summary.ended, RunEnd::Running);
    assert_eq!(summary.verdict, Verdict::Inconclusive);
    assert_eq!(summary.problems[0], "the run is still running");
    let second = RecordWriter::create(dir.path(), &run.manifest);
    assert!(matches!(second, Err(RecordError::InUse(path)) if path == dir.path()));
    drop(writer);
    assert_eq!(read(dir.path()).unwrap().ended(), RunEnd::Truncated);
}

#[test]
fn file_that_is_not_regular_or_too_long_is_refused() {
    for name in [
        files::MANIFEST,
        files::EVENTS,
        files::INTERVALS,
        files::LATENCY,
    ] {
        let dir = tempfile::tempdir().unwrap();
        TestRun::clean().write(dir.path());
        let path = dir.path().join(name);
        let refused = |error| matches!(error, RecordError::NotAFile(found) if found == path);
        fs::remove_file(&path).unwrap();
        // Reading a pipe without a writer would wait forever.
        let pipe = Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(
            pipe.success() && refused(read(dir.path()).unwrap_err()),
            "{name}"
        );
        fs::remove_file(&path).unwrap();
        symlink("/dev/zero", &path).unwrap();
        assert!(refused(read(dir.path()).unwrap_err()), "{name}");
        fs::remove_file(&path).unwrap();
        // A sparse file takes no room.
        fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let error = read(dir.path()).unwrap_err();
        assert!(
            matches!(error, RecordError::TooLarge { .. }),
            "{name}: {error}"
        );
    }
}

#[test]
fn line_without_an_end_in_sight_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    TestRun::clean().write(dir.path());
    let path = dir.path().join(files::INTERVALS);
    let mut text = vec![b' '; 40 << 20];
    text.push(b'\n');
    text.extend(fs::read(&path).unwrap());
    fs::write(&path, text).unwrap();
    let record = read(dir.path()).unwrap();
    expect_test::expect!["1 line of intervals.jsonl could not be read and were left out, the first at line 1: it has more than 16777216 bytes"]
        .assert_eq(&record.problems.join("\n"));
    assert_eq!(analyse(&record).sockets.opened, 1000);
}

#[test]
fn links_in_a_run_directory_are_replaced_and_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    TestRun::clean().write(dir.path());
    let precious = outside.path().join("precious");
    fs::write(&precious, "x").unwrap();
    for name in [files::SUMMARY, files::PAGE, files::JUNIT] {
        symlink(&precious, dir.path().join(name)).unwrap();
        symlink(&precious, dir.path().join(format!("{name}.part"))).unwrap();
    }
    symlink(outside.path(), dir.path().join(files::CHARTS)).unwrap();
    let report = highwater_reports::write_report(dir.path()).unwrap();
    assert_eq!(fs::read_to_string(&precious).unwrap(), "x");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    for path in report.charts.iter().chain([&report.html, &report.junit]) {
        assert!(fs::symlink_metadata(path).unwrap().is_file(), "{path:?}");
    }
}

#[test]
fn record_is_readable_by_its_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    TestRun::clean().write(dir.path());
    for name in [
        files::MANIFEST,
        files::EVENTS,
        files::INTERVALS,
        files::LATENCY,
    ] {
        let mode = fs::metadata(dir.path().join(name)).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn texts_of_others_reach_a_reader_without_control_characters() {
    const EVIL: &str = "n\u{1b}[2J\u{202e}1";
    let dir = tempfile::tempdir().unwrap();
    let mut run = TestRun::clean();
    run.manifest.plan.description = EVIL.to_owned();
    run.manifest
        .versions
        .insert(EVIL.to_owned(), EVIL.to_owned());
    let lost = RecordEvent::WorkerLost {
        id: EVIL.to_owned(),
        reason: EVIL.to_owned(),
    };
    run.events.insert(
        1,
        TimedEvent {
            at: 1.0,
            kind: lost,
        },
    );
    for line in &mut run.intervals {
        line.source.id = line.source.id.replace("n2", EVIL);
        line.counters.insert(format!("disconnect.{EVIL}"), 1);
    }
    run.write(dir.path());
    let report = highwater_reports::write_report(dir.path()).unwrap();
    let mut texts = vec![highwater_reports::verdict_text(&report.summary)];
    for path in [&report.summary_json, &report.junit, &report.html] {
        texts.push(fs::read_to_string(path).unwrap());
    }
    for text in texts {
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:.500}");
    }
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
