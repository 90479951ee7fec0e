//! Exports of real runs, read by programs of others.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use highwater_services::PROMTOOL;
#[cfg(feature = "parquet")]
use highwater_services::{ServiceError, python};
use serde_json::Value;

use crate::harness::{CliRun, highwater};

/// The program that reads tables with pandas and DuckDB.
#[cfg(feature = "parquet")]
const READER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../xtask/export/read_tables.py"
);

/// A node that is killed and comes back gives failures, events and gauges that are absent.
const SCENARIO: &str = r#"
    name = "export"
    duration = "8s"
    [cluster]
    nodes = 2
    [[devices]]
    name = "home"
    count = 100
    ramp = "100/s"
    heartbeat = "1s"
    reconnect = { first = "100ms", max = "1s" }
    [[commands]]
    name = "set-light"
    rate = "30/s"
    [[events]]
    at = "2s"
    do = "kill-node"
    node = "n2"
    [[events]]
    at = "4s"
    do = "restart-node"
    node = "n2"
"#;

fn export(run: &Path, arguments: &[&str]) -> Output {
    let mut command = highwater(&["export"]);
    command.arg(run).args(arguments);
    command.output().expect("highwater starts")
}

/// Exports, and returns the standard output.
fn exported(run: &Path, arguments: &[&str]) -> String {
    let output = export(run, arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// Returns the JSON objects of a table on the standard output.
fn rows(run: &Path, table: &str) -> Vec<Value> {
    let text = exported(run, &["--format", "jsonl", "--table", table]);
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[cfg(feature = "parquet")]
#[test]
fn pandas_and_duckdb_find_the_figures_of_the_summary() {
    let interpreter = match python::DATA_TOOLS.interpreter() {
        Ok(interpreter) => interpreter,
        Err(error @ ServiceError::Install { .. }) => {
            eprintln!("skipped: {error}");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let run = CliRun::run_to_end(SCENARIO);
    let folder = tempfile::tempdir().unwrap();
    for format in ["csv", "jsonl", "parquet"] {
        let output = folder.path().join(format);
        exported(
            &run.record,
            &["--format", format, "--output", output.to_str().unwrap()],
        );
    }
    let mut reader = Command::new(interpreter);
    reader.arg(READER).arg(folder.path());
    let reader = reader.arg(run.record.join("summary.json")).output();
    let reader = reader.expect("Python starts");
    let text = String::from_utf8_lossy(&reader.stderr);
    assert!(reader.status.success(), "{text}");
}

#[test]
fn promtool_makes_blocks_of_an_export() {
    let Some(promtool) = PROMTOOL.path() else {
        eprintln!("skipped: promtool is not installed");
        return;
    };
    let run = CliRun::run_to_end(SCENARIO);
    let folder = tempfile::tempdir().unwrap();
    let (text, blocks) = (folder.path().join("run.prom"), folder.path().join("blocks"));
    exported(
        &run.record,
        &["--format", "prometheus", "--output", text.to_str().unwrap()],
    );
    let command = |arguments: &[&str]| {
        let mut command = Command::new(&promtool);
        command.args(arguments).stdin(Stdio::null());
        command
    };
    let made = command(&["tsdb", "create-blocks-from", "openmetrics"])
        .arg(&text)
        .arg(&blocks)
        .output();
    let made = made.expect("promtool starts");
    assert!(made.status.success(), "{made:?}");
    // The dump expects the folder of a Prometheus, which has a log of samples as well.
    fs::create_dir(blocks.join("wal")).expect("a folder");
    let dumped = command(&["tsdb", "dump"]).arg(&blocks).output();
    let dumped = String::from_utf8(dumped.expect("promtool starts").stdout).expect("text");
    // The last sample of a counter is its total, over the workers' series.
    let summary = run.summary();
    let name = "__name__=\"highwater_run_heartbeats_acknowledged_total\"";
    let of_name = dumped.lines().filter(|line| line.contains(name));
    let last = of_name.filter_map(|line| line.rsplit(' ').nth(1)?.parse::<f64>().ok());
    let total = last.fold(0.0, f64::max);
    assert_eq!(total, summary.heartbeats.acknowledged as f64, "{dumped}");
}

#[test]
fn run_that_lasts_is_exported_up_to_now_and_said_to_last() {
    let run = CliRun::start(SCENARIO);
    run.wait_until_steady(1.0);
    let record = run.record();
    let output = export(&record, &["--format", "csv", "--table", "samples"]);
    assert!(output.status.success(), "{output:?}");
    let note = String::from_utf8_lossy(&output.stderr);
    assert!(note.contains("the run lasts"), "{note}");
    assert!(output.stdout.split(|byte| *byte == b'\n').count() > 50);
    run.finish();
    let output = export(&record, &["--format", "csv", "--table", "samples"]);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("lasts"));
}

#[test]
fn tables_of_a_run_say_what_happened() {
    let run = CliRun::run_to_end(SCENARIO);
    let events = rows(&run.record, "events");
    let killed = events.iter().find(|event| event["name"] == "kill-node");
    let killed = killed.expect("an event");
    assert_eq!(killed["source"], "n2");
    assert_eq!(killed["phase"], "steady");
    // A dead node measures nothing, and only `up` says so.
    let dead = |row: &&Value| {
        let at = row["t"].as_f64().unwrap() - killed["t"].as_f64().unwrap();
        row["source"] == "n2" && row["source_kind"] == "node" && (0.9..1.9).contains(&at)
    };
    let samples = rows(&run.record, "samples");
    let dead: Vec<_> = samples.iter().filter(dead).collect();
    let up = dead.iter().find(|row| row["metric"] == "up");
    assert_eq!(up.expect("the sampler asks on")["value"], 0, "{dead:?}");
    assert!(dead.iter().all(|row| row["metric"] != "rss"), "{dead:?}");

    let folder = run.record.join("export/csv");
    let text = exported(&run.record, &["--format", "csv"]);
    assert!(text.contains("samples.csv"), "{text}");
    let package = fs::read(folder.join("datapackage.json")).unwrap();
    let package: Value = serde_json::from_slice(&package).unwrap();
    let fields = package["resources"][0]["schema"]["fields"].as_array();
    let names: Vec<_> = fields.unwrap().iter().map(|field| &field["name"]).collect();
    let header = fs::read_to_string(folder.join("samples.csv")).unwrap();
    let header: Vec<_> = header.lines().next().unwrap().split(',').collect();
    assert_eq!(names, header);

    let again = export(&run.record, &["--format", "csv"]);
    assert_eq!(again.status.code(), Some(2), "{again:?}");
    let error = String::from_utf8_lossy(&again.stderr);
    assert!(
        error.contains("exists already") && error.contains("--force"),
        "{error}"
    );
    exported(&run.record, &["--format", "csv", "--force"]);
}
