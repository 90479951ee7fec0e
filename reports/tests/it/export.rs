//! Exports of records with known content.

use std::{fs, path::Path};

use expect_test::expect;
use highwater_reports::{
    export::{ExportError, ExportFormat, ExportTarget, Exported, Table, export, formats},
    record::{
        RecordEvent, RunEnd, SourceRole,
        names::{counter, gauge},
    },
};
use serde_json::Value;

use crate::{
    run::{COMMANDS_PER_S, STEADY_S, TestRun, WORKERS, action, line},
    schema1,
};

fn format(name: &str) -> &'static ExportFormat {
    let format = formats().find(|format| format.name == name);
    format.expect("a format")
}

/// Exports one table as text.
fn text_of(run: &Path, name: &str, table: Table) -> (String, Exported) {
    let mut out = Vec::new();
    let target = ExportTarget::Stream(table, Box::new(&mut out));
    let exported = export(run, format(name), target, false).unwrap();
    (String::from_utf8(out).unwrap(), exported)
}

/// Returns the rows of a table as JSON objects.
fn rows(run: &Path, table: Table) -> Vec<Value> {
    let (text, exported) = text_of(run, "jsonl", table);
    let rows: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(exported.rows, [(table, rows.len() as u64)]);
    rows
}

fn written(run: &TestRun) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    run.write(dir.path());
    dir
}

/// Returns a run of one second with one line of each kind.
fn short_run() -> TestRun {
    let mut run = TestRun::clean();
    run.latencies.clear();
    run.intervals.clear();
    let gauges = [(gauge::SOCKETS_OPEN, 12.0), (gauge::RSS, 4096.0)];
    let mut worker = line(SourceRole::Worker, "w1", 5.0, 1.0, &gauges);
    worker.counters.insert("connect.failed.refused".into(), 2);
    worker.counters.insert(counter::SOCKETS_OPENED.into(), 3);
    run.intervals.push(worker);
    let gauges = [(gauge::CPU, 1.5), ("later.metric", 0.25)];
    let node = line(SourceRole::Node, "n\"1", 6.001, 0.0, &gauges);
    run.intervals.push(node);
    run.add_conn_event(51, "opened.n1", 3);
    run.add_latency("heartbeats.response", 5.0, &[1, 2, 3, 4]);
    run.add_latency("send_lag@w1", 5.0, &[1]);
    run
}

#[test]
fn samples_are_tidy() {
    let run = written(&short_run());
    let (text, exported) = text_of(run.path(), "csv", Table::Samples);
    assert_eq!(exported.until_s, Some(6.001));
    expect![[r#"
        time,t,interval_s,phase,source_kind,source,metric,type,unit,value
        2027-01-15T08:00:06.000Z,6,1,steady,client,w1,connect.failed.refused,count,count,2
        2027-01-15T08:00:06.000Z,6,1,steady,client,w1,sockets.opened,count,count,3
        2027-01-15T08:00:06.000Z,6,,steady,harness,w1,rss,gauge,bytes,4096
        2027-01-15T08:00:06.000Z,6,,steady,client,w1,sockets.open,gauge,count,12
        2027-01-15T08:00:06.001Z,6.001,,steady,node,"n""1",cpu_s,total,s,1.5
        2027-01-15T08:00:06.001Z,6.001,,steady,node,"n""1",later.metric,gauge,,0.25
        2027-01-15T08:00:05.200Z,5.2,0.1,steady,client,all,opened.n1,count,count,3
        2027-01-15T08:00:06.000Z,6,1,steady,client,all,heartbeats.response.count,latency,count,4
        2027-01-15T08:00:06.000Z,6,1,steady,client,all,heartbeats.response.mean,latency,ms,2.5005
        2027-01-15T08:00:06.000Z,6,1,steady,client,all,heartbeats.response.p50,latency,ms,2
        2027-01-15T08:00:06.000Z,6,1,steady,client,all,heartbeats.response.p90,latency,ms,4.001
        2027-01-15T08:00:06.000Z,6,1,steady,client,all,heartbeats.response.p99,latency,ms,4.001
        2027-01-15T08:00:06.000Z,6,1,steady,client,all,heartbeats.response.p999,latency,ms,4.001
        2027-01-15T08:00:06.000Z,6,1,steady,client,all,heartbeats.response.max,latency,ms,4.001
        2027-01-15T08:00:06.000Z,6,1,steady,harness,w1,send_lag.count,latency,count,1
        2027-01-15T08:00:06.000Z,6,1,steady,harness,w1,send_lag.mean,latency,ms,1
        2027-01-15T08:00:06.000Z,6,1,steady,harness,w1,send_lag.p50,latency,ms,1
        2027-01-15T08:00:06.000Z,6,1,steady,harness,w1,send_lag.p90,latency,ms,1
        2027-01-15T08:00:06.000Z,6,1,steady,harness,w1,send_lag.p99,latency,ms,1
        2027-01-15T08:00:06.000Z,6,1,steady,harness,w1,send_lag.p999,latency,ms,1
        2027-01-15T08:00:06.000Z,6,1,steady,harness,w1,send_lag.max,latency,ms,1
    "#]]
    .assert_eq(&text);
}

#[test]
fn openmetrics_text_is_sorted_by_family() {
    let mut run = short_run();
    run.add_count("w1", 5, "commands.replied", 4);
    let mut later = line(SourceRole::Worker, "w1", 6.0, 1.0, &[]);
    later.counters.insert("commands.replied".into(), 5);
    run.intervals.push(later);
    run.add_latency("heartbeats.response", 6.0, &[6]);
    let run = written(&run);
    let name = run.path().file_name().unwrap().to_str().unwrap();
    let (text, _) = text_of(run.path(), "prometheus", Table::Samples);
    expect![[r##"
        # TYPE highwater_run_commands_replied counter
        # HELP highwater_run_commands_replied commands answered with 2xx and the reply
        highwater_run_commands_replied_total{run="RUN",source_kind="client",source="w1"} 0 1800000005.000
        highwater_run_commands_replied_total{run="RUN",source_kind="client",source="w1"} 4 1800000006.000
        highwater_run_commands_replied_total{run="RUN",source_kind="client",source="w1"} 9 1800000007.000
        # TYPE highwater_run_connect_failed_by_kind counter
        # HELP highwater_run_connect_failed_by_kind failed attempts to open
        highwater_run_connect_failed_by_kind_total{run="RUN",source_kind="client",source="w1",kind="refused"} 0 1800000005.000
        highwater_run_connect_failed_by_kind_total{run="RUN",source_kind="client",source="w1",kind="refused"} 2 1800000006.000
        # TYPE highwater_run_cpu_seconds counter
        # UNIT highwater_run_cpu_seconds seconds
        # HELP highwater_run_cpu_seconds CPU time since the process started
        highwater_run_cpu_seconds_total{run="RUN",source_kind="node",source="n\"1"} 1.5 1800000006.001
        # TYPE highwater_run_heartbeats_response_seconds summary
        # UNIT highwater_run_heartbeats_response_seconds seconds
        # HELP highwater_run_heartbeats_response_seconds time from when a heartbeat was due to its answer
        highwater_run_heartbeats_response_seconds{run="RUN",source_kind="client",source="all",quantile="0.5"} 0.002 1800000006.000
        highwater_run_heartbeats_response_seconds{run="RUN",source_kind="client",source="all",quantile="0.9"} 0.004001 1800000006.000
        highwater_run_heartbeats_response_seconds{run="RUN",source_kind="client",source="all",quantile="0.99"} 0.004001 1800000006.000
        highwater_run_heartbeats_response_seconds{run="RUN",source_kind="client",source="all",quantile="0.999"} 0.004001 1800000006.000
        highwater_run_heartbeats_response_seconds{run="RUN",source_kind="client",source="all",quantile="1"} 0.004001 1800000006.000
        highwater_run_heartbeats_response_seconds_sum{run="RUN",source_kind="client",source="all"} 0.010002 1800000006.000
        highwater_run_heartbeats_response_seconds_count{run="RUN",source_kind="client",source="all"} 4 1800000006.000
        highwater_run_heartbeats_response_seconds{run="RUN",source_kind="client",source="all",quantile="0.5"} 0.0060030000000000005 1800000007.000
        highwater_run_heartbeats_response_seconds{run="RUN",source_kind="client",source="all",quantile="0.9"} 0.0060030000000000005 1800000007.000
        highwater_run_heartbeats_response_seconds{run="RUN",source_kind="client",source="all",quantile="0.99"} 0.0060030000000000005 1800000007.000
        highwater_run_heartbeats_response_seconds{run="RUN",source_kind="client",source="all",quantile="0.999"} 0.0060030000000000005 1800000007.000
        highwater_run_heartbeats_response_seconds{run="RUN",source_kind="client",source="all",quantile="1"} 0.0060030000000000005 1800000007.000
        highwater_run_heartbeats_response_seconds_sum{run="RUN",source_kind="client",source="all"} 0.016004 1800000007.000
        highwater_run_heartbeats_response_seconds_count{run="RUN",source_kind="client",source="all"} 5 1800000007.000
        # TYPE highwater_run_later_metric gauge
        # HELP highwater_run_later_metric metric that this version does not describe
        highwater_run_later_metric{run="RUN",source_kind="node",source="n\"1"} 0.25 1800000006.001
        # TYPE highwater_run_opened_by_node counter
        # HELP highwater_run_opened_by_node sockets that opened or reconnected
        highwater_run_opened_by_node_total{run="RUN",source_kind="client",source="all",node="n1"} 0 1800000005.100
        highwater_run_opened_by_node_total{run="RUN",source_kind="client",source="all",node="n1"} 3 1800000005.200
        # TYPE highwater_run_phase stateset
        # HELP highwater_run_phase phase of the run
        highwater_run_phase{run="RUN",highwater_run_phase="ramp"} 0 1800000006.000
        highwater_run_phase{run="RUN",highwater_run_phase="steady"} 1 1800000006.000
        highwater_run_phase{run="RUN",highwater_run_phase="drain"} 0 1800000006.000
        highwater_run_phase{run="RUN",highwater_run_phase="ramp"} 0 1800000007.000
        highwater_run_phase{run="RUN",highwater_run_phase="steady"} 1 1800000007.000
        highwater_run_phase{run="RUN",highwater_run_phase="drain"} 0 1800000007.000
        # TYPE highwater_run_rss_bytes gauge
        # UNIT highwater_run_rss_bytes bytes
        # HELP highwater_run_rss_bytes resident memory of the process
        highwater_run_rss_bytes{run="RUN",source_kind="harness",source="w1"} 4096 1800000006.000
        # TYPE highwater_run_send_lag_seconds summary
        # UNIT highwater_run_send_lag_seconds seconds
        # HELP highwater_run_send_lag_seconds time from when an action was due to when the harness began it
        highwater_run_send_lag_seconds{run="RUN",source_kind="harness",source="w1",quantile="0.5"} 0.001 1800000006.000
        highwater_run_send_lag_seconds{run="RUN",source_kind="harness",source="w1",quantile="0.9"} 0.001 1800000006.000
        highwater_run_send_lag_seconds{run="RUN",source_kind="harness",source="w1",quantile="0.99"} 0.001 1800000006.000
        highwater_run_send_lag_seconds{run="RUN",source_kind="harness",source="w1",quantile="0.999"} 0.001 1800000006.000
        highwater_run_send_lag_seconds{run="RUN",source_kind="harness",source="w1",quantile="1"} 0.001 1800000006.000
        highwater_run_send_lag_seconds_sum{run="RUN",source_kind="harness",source="w1"} 0.001 1800000006.000
        highwater_run_send_lag_seconds_count{run="RUN",source_kind="harness",source="w1"} 1 1800000006.000
        # TYPE highwater_run_sockets_open gauge
        # HELP highwater_run_sockets_open open sockets: of a client as its worker counts, of a node as the server does
        highwater_run_sockets_open{run="RUN",source_kind="client",source="w1"} 12 1800000006.000
        # TYPE highwater_run_sockets_opened counter
        # HELP highwater_run_sockets_opened sockets that opened for the first time
        highwater_run_sockets_opened_total{run="RUN",source_kind="client",source="w1"} 0 1800000005.000
        highwater_run_sockets_opened_total{run="RUN",source_kind="client",source="w1"} 3 1800000006.000
        # EOF
    "##]].assert_eq(&text.replace(name, "RUN"));
}

#[test]
fn sums_of_rows_are_the_totals_of_the_summary() {
    let mut test = TestRun::clean();
    test.add_event(12.0, action("kill-node", "n2"));
    // A worker that reports a second late has a line of its own.
    test.add_latency("commands.response", 10.0, &[40]);
    let run = written(&test);
    let summary = test.summary();
    let samples = rows(run.path(), Table::Samples);
    let of = |metric: &'static str| {
        let rows = samples.iter();
        rows.filter(move |row| row["metric"] == metric)
    };
    let value = |row: &Value| row["value"].as_f64().unwrap();
    let replied: f64 = of("commands.replied").map(value).sum();
    assert_eq!(replied, (COMMANDS_PER_S * STEADY_S * WORKERS) as f64);
    let rss = of("rss").filter(|row| row["source"] == "n2").map(value);
    let rss = rss.fold(0.0, f64::max);
    assert_eq!(Some(rss as u64), summary.nodes[1].rss_peak);
    let commands = summary.commands.unwrap().response_ms;
    let timed: f64 = of("commands.response.count").map(value).sum();
    assert_eq!(timed, commands.count as f64);
    let longest = of("commands.response.max").map(value).fold(0.0, f64::max);
    assert_eq!(Some(longest), commands.max);
    // The late line and the one of its second are one row.
    assert_eq!(of("commands.response.count").count() as u64, STEADY_S);
    assert!(samples.iter().all(|row| !row["value"].is_null()));

    let table = rows(run.path(), Table::Summary);
    let find = |metric: &str| table.iter().find(|row| row["metric"] == metric).unwrap();
    assert_eq!(find("commands.response.max")["value"], longest);
    assert_eq!(find("commands.response.max")["unit"], "ms");
    // Nothing was asked for, so nothing was measured.
    assert!(find("telemetry.due")["value"].is_null());
    let event = find("balance.per_event.settled_after_s");
    assert_eq!(
        (&event["source"], &event["t"]),
        (&"kill-node n2".into(), &12.into())
    );
}

#[test]
fn events_are_rows_with_their_json() {
    let mut test = TestRun::clean();
    test.add_event(12.0, action("kill-node", "n2"));
    let text = "it was \"late\",\nby 3 s".to_owned();
    test.add_event(13.0, RecordEvent::Problem { text });
    let run = written(&test);
    let events = rows(run.path(), Table::Events);
    let kinds: Vec<_> = events
        .iter()
        .map(|row| row["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["phase", "phase", "action", "problem", "phase", "end"]
    );
    assert_eq!(
        (&events[2]["name"], &events[2]["source"]),
        (&"kill-node".into(), &"n2".into())
    );
    assert_eq!(events[2]["phase"], "steady");
    let event: Value = serde_json::from_str(events[3]["event"].as_str().unwrap()).unwrap();
    assert_eq!(event["text"], events[3]["text"]);
}

#[test]
fn record_of_schema_1_has_the_names_of_schema_2() {
    let run = schema1::record();
    let samples = rows(run.path(), Table::Samples);
    let has = |metric: &str| samples.iter().any(|row| row["metric"] == metric);
    assert!(has("telemetry.accepted"));
    assert!(
        !samples
            .iter()
            .any(|row| row["metric"].as_str().unwrap().contains("reading"))
    );
    assert!(!rows(run.path(), Table::Summary).is_empty());
}

#[test]
fn killed_run_is_exported_up_to_its_last_line() {
    let mut test = TestRun::clean();
    test.events.pop();
    let run = written(&test);
    let path = run.path().join("intervals.jsonl");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 20]).unwrap();
    let (_, exported) = text_of(run.path(), "csv", Table::Samples);
    assert_eq!(exported.ended, RunEnd::Truncated);
    expect!["the last line of intervals.jsonl is torn and was left out"]
        .assert_eq(&exported.problems.join("\n"));
}

#[test]
fn folder_is_replaced_only_by_force() {
    let run = written(&short_run());
    let folder = run.path().join("tables");
    let write = |force| {
        export(
            run.path(),
            format("csv"),
            ExportTarget::Folder(&folder),
            force,
        )
    };
    let exported = write(false).unwrap();
    for file in &exported.files {
        assert!(file.is_file(), "{}", file.display());
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), exported.files.len());
    assert!(matches!(write(false), Err(ExportError::Exists(_))));
    write(true).unwrap();
}

#[test]
fn table_that_a_format_lacks_is_refused() {
    let run = written(&short_run());
    let target = ExportTarget::Stream(Table::Events, Box::new(Vec::new()));
    let error = export(run.path(), format("prometheus"), target, false).unwrap_err();
    assert!(matches!(error, ExportError::NoSuchTable { .. }), "{error}");
}

#[test]
fn closed_stream_ends_the_export() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let run = written(&TestRun::clean());
    for format in formats() {
        let target = ExportTarget::Stream(Table::Samples, Box::new(Closed));
        match export(run.path(), format, target, false).unwrap_err() {
            ExportError::Stream(error) => {
                assert_eq!(
                    error.kind(),
                    std::io::ErrorKind::BrokenPipe,
                    "{}",
                    format.name
                );
            }
            ExportError::FeatureMissing { .. } => {}
            error => panic!("{}: {error}", format.name),
        }
    }
}
