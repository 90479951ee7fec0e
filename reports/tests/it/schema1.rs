//! A record that a build with schema 1 wrote is read, reported, compared and gated.

use std::{fs, path::PathBuf};

use highwater_reports::{
    MismatchPolicy, compare, read,
    record::RecordEvent,
    report::write_report,
    summary::{SUMMARY_SCHEMA, Summary, Verdict},
};
use serde_json::Value;

const FILES: [&str; 4] = [
    "manifest.json",
    "intervals.jsonl",
    "events.jsonl",
    "latency.hlog",
];

fn fixture() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/schema-1")
}

/// Copies the record without its derived files.
pub(crate) fn record() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in FILES {
        fs::copy(fixture().join(file), dir.path().join(file)).unwrap();
    }
    dir
}

fn json(path: PathBuf) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Returns the old summary under the new names, without texts, whose wording may change.
fn under_new_names(mut old: Value) -> Value {
    let renames = [
        ("", "readings", "telemetry"),
        ("", "balancer", "balancers"),
        ("", "broker", "brokers"),
        ("", "processors", "cpu_cores"),
        ("/telemetry", "refused", "rejected"),
        ("/balance", "longest_settling_s", "longest_recovery_s"),
        (
            "/balance",
            "longest_misrouting_s",
            "longest_failed_connects_s",
        ),
        ("/balance/nodes/0", "processors", "cpu_cores"),
        (
            "/balance/per_event/1/detection",
            "attempts_s",
            "failed_connects_after_s",
        ),
        ("/balancers/0", "handshaking_peak", "pending_peak"),
        ("/cost_per_socket", "gateway_rss", "balancer_rss"),
        (
            "/cost_per_socket",
            "gateway_open_files",
            "balancer_open_files",
        ),
    ];
    for (at, from, to) in renames {
        let object = old.pointer_mut(at).unwrap().as_object_mut().unwrap();
        let value = object.remove(from).expect(from);
        object.insert(to.to_owned(), value);
    }
    for event in old["balance"]["per_event"].as_array_mut().unwrap() {
        event["new_sockets_share"] = Value::Null;
    }
    old["schema"] = SUMMARY_SCHEMA.into();
    // Its sockets are too few for a cost per socket.
    old["cost_per_socket"]["kernel"] = Value::Null;
    // Fields that came later.
    old["target_failures"] = serde_json::json!([]);
    old["login"] = Value::Null;
    old["commands"]["no_device"] = 0.into();
    old["observe"] = serde_json::json!({});
    let maximum = |max: u64| serde_json::json!({ "max": max, "growth_per_hour": null });
    old["node_maxima"] = serde_json::json!({
        "rss": maximum(18_812_928),
        "heap": maximum(1_615_248),
        "open_files": maximum(66),
    });
    for list in ["nodes", "brokers", "balancers", "consumers"] {
        for process in old[list].as_array_mut().unwrap() {
            process["cgroup"] = Value::Null;
        }
    }
    for worker in old["workers"].as_array_mut().unwrap() {
        worker["clock_offset_ms"] = Value::Null;
        worker["clock_bound_ms"] = Value::Null;
    }
    for name in [
        "billed",
        "billed_per_command",
        "billed_per_idle_node_hour",
        "estimated_usd_per_idle_node_hour",
        "estimated_usd_per_million_commands",
    ] {
        old["backplane"][name] = Value::Null;
    }
    old["telemetry"]["latency_ms"] = Value::Null;
    // The consumers used as much as the broker.
    old["cpu_cores"]["consumers"] = old["cpu_cores"]["broker"].clone();
    old["exchanges"] = Value::Null;
    old["frames"] = Value::Null;
    old["heartbeats"]["one_way"] = 0.into();
    let mut none = old["sockets"]["connect_ms"].clone();
    for value in none.as_object_mut().unwrap().values_mut() {
        *value = Value::Null;
    }
    none["count"] = 0.into();
    old["sockets"]["connect_open_ms"] = none;
    old["gates"][0]["check"] = "telemetry.accepted >= 1".into();
    old["gates"][1]["check"] = "cpu_cores.nodes <= 64".into();
    without_words(&mut old);
    old
}

fn without_words(summary: &mut Value) {
    summary["problems"] = Value::Null;
    for line in summary["ledger"].as_array_mut().unwrap() {
        for words in ["/what", "/note", "/left/who", "/right/who"] {
            *line.pointer_mut(words).unwrap() = Value::Null;
        }
    }
}

#[test]
fn schema_1_record_is_reported_with_the_counts_it_had() {
    let dir = record();
    let report = write_report(dir.path()).unwrap();
    let old = under_new_names(json(fixture().join("summary.json")));
    let mut new = json(report.summary_json);
    without_words(&mut new);
    // The list came later. It is made of counters, which have their new names.
    let failures = new.as_object_mut().unwrap().remove("failures").unwrap();
    for failure in failures.as_array().unwrap() {
        assert!(
            !failure["kind"].as_str().unwrap().contains('-'),
            "{failure}"
        );
        assert_eq!(failure["example"], Value::Null);
    }
    assert_eq!(new, old);
    let page = fs::read_to_string(report.html).unwrap();
    assert!(
        page.contains("Telemetry: response time, p99"),
        "the headline is there"
    );
}

#[test]
fn schema_1_record_is_read_under_new_names() {
    let record = read(record().path()).unwrap();
    assert_eq!(record.problems, Vec::<String>::new());
    let plan = &record.manifest.plan;
    assert_eq!(plan.telemetry.len(), 1);
    assert_eq!(plan.devices[0].max_missed, 3);
    assert_eq!(plan.gates[1].check.metric, "cpu_cores.nodes");
    let kinds = record.events.iter().map(|event| &event.kind);
    assert_eq!(
        kinds
            .filter(|kind| matches!(kind, RecordEvent::Telemetry(_)))
            .count(),
        1
    );
}

#[test]
fn schema_1_record_is_gated() {
    let summary: Summary = highwater_reports::evaluate(&read(record().path()).unwrap(), None);
    assert_eq!(summary.verdict, Verdict::Passed);
    assert_eq!(summary.gates[0].actual, Some(180.0));
}

#[test]
fn schema_1_record_is_compared_with_itself() {
    let (first, second) = (record(), record());
    let dirs = [first.path().to_owned(), second.path().to_owned()];
    let comparison = compare(&dirs, MismatchPolicy::Refuse).unwrap();
    let text = comparison.text();
    assert!(text.contains("telemetry.accepted"), "{text}");
    assert!(!text.contains("readings"), "{text}");
}
