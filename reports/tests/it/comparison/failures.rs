//! The failures of runs, side by side by kind.

use std::{
    fs,
    path::{Path, PathBuf},
};

use expect_test::expect;
use highwater_reports::{
    MismatchPolicy, compare,
    record::{FailureExample, RecordEvent},
};
use serde_json::{Value, json};

use super::{noisy, written};

/// Writes a run with two kinds of failures, and one with a third kind and more of the second.
fn with_failures(dir: &Path) -> Vec<PathBuf> {
    let mut before = noisy(1);
    before.add_count("w1", 9, "disconnect.reset", 30);
    before.add_count("w1", 9, "connect.failed.timeout", 2);
    let mut after = noisy(1);
    after.add_count("w1", 9, "disconnect.reset", 300);
    after.add_count("w2", 4, "connect.failed.status_401", 40);
    let example = FailureExample {
        status: Some("401 Unauthorized".to_owned()),
        body: Some("token <expired>".to_owned()),
        ..FailureExample::default()
    };
    after.add_event(
        4.5,
        RecordEvent::Failure {
            counter: "connect.failed.status_401".to_owned(),
            worker: "w2".to_owned(),
            example,
        },
    );
    written(dir, &[("before", before), ("after", after)])
}

#[test]
fn failures_stand_side_by_side_with_new_kinds_first() {
    let dir = tempfile::tempdir().unwrap();
    let comparison = compare(&with_failures(dir.path()), MismatchPolicy::Refuse).unwrap();
    let text = comparison.text();
    let section = text.split("\n\n").find(|part| part.starts_with("failures"));
    expect![[r#"
        failures                   before    after
        connect.failed.status_401   0       40 new
        disconnect.reset           30      300 -
        connect.failed.timeout      2        0
        new with after: 40 handshakes were refused with 401 Unauthorized: "token
          <expired>" (only worker w2)"#]]
    .assert_eq(section.unwrap());

    let page = dir.path().join("comparison.html");
    comparison.write_page(&page).unwrap();
    let html = fs::read_to_string(&page).unwrap();
    for part in [
        "<a href=\"#failures\">Failures</a>",
        "<th scope=\"row\">connect.failed.status_401</th><td>target</td>",
        "<td class=\"change new\">40<span class=\"unseen\"> (new)</span></td>",
        "<td class=\"change worse\">300<span class=\"unseen\"> (worse)</span></td>",
        "token &lt;expired&gt;",
    ] {
        assert!(html.contains(part), "no {part}");
    }

    let file = dir.path().join("comparison.json");
    comparison.write_json(&file).unwrap();
    let json: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let changes = json["failures"].as_array().unwrap().iter();
    let changes: Vec<_> = changes
        .map(|kind| (kind["kind"].as_str().unwrap(), &kind["cells"][1]["change"]))
        .collect();
    assert_eq!(
        changes,
        [
            ("connect.failed.status_401", &json!("new")),
            ("disconnect.reset", &json!("worse")),
            ("connect.failed.timeout", &Value::Null),
        ]
    );
}

#[test]
fn failures_of_repeats_are_means_and_need_more_than_their_spread() {
    let dir = tempfile::tempdir().unwrap();
    let run = |resets| {
        let mut run = noisy(1);
        run.add_count("w1", 9, "disconnect.reset", resets);
        run
    };
    let runs = [10, 90, 60, 100].map(run);
    let names = ["before-1", "before-2", "after-1", "after-2"];
    let runs: Vec<_> = names.into_iter().zip(runs).collect();
    let text = compare(&written(dir.path(), &runs), MismatchPolicy::Refuse)
        .unwrap()
        .text();
    let line = text.lines().find(|line| line.starts_with("disconnect."));
    let columns: Vec<&str> = line.unwrap().split_whitespace().collect();
    // T for one degree of freedom is 12.7, so two runs each show no difference.
    assert_eq!(columns, ["disconnect.reset", "50", "±508", "80", "±254"]);
}

#[test]
fn runs_without_failures_have_no_section() {
    let dir = tempfile::tempdir().unwrap();
    let runs = written(dir.path(), &[("before", noisy(1)), ("after", noisy(2))]);
    let comparison = compare(&runs, MismatchPolicy::Refuse).unwrap();
    assert!(!comparison.text().contains("failures\n"));
    let page = dir.path().join("comparison.html");
    comparison.write_page(&page).unwrap();
    let html = fs::read_to_string(&page).unwrap();
    assert!(!html.contains("id=\"failures\""));
}
