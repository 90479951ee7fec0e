//! Runs side by side.
//!
//! - [`baseline`]: a run against a baseline;
//! - [`failures`]: the failures of each kind.

mod baseline;
mod failures;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use expect_test::expect;
use highwater_reports::{
    MismatchPolicy, compare,
    record::{SourceRole, names::gauge},
};
use highwater_scenarios::plan::{BalancerKind, BalancerPolicy, SystemSpec};
use serde_json::{Value, json};

use crate::run::{RSS_SLOPE, TestRun, action};

/// Creates a clean run whose heartbeat times vary a little from second to second.
fn noisy(seed: u64) -> TestRun {
    let mut run = TestRun::clean();
    run.latencies
        .retain(|line| line.tag != "heartbeats.response");
    for second in 5..25_u64 {
        // 7 has no factor in common with 5, so every seed has all five offsets.
        let off = (second * 7 + seed * 3) % 5;
        let values: Vec<u64> = (1..=100).map(|value| value + off).collect();
        run.add_latency("heartbeats.response", second as f64, &values);
    }
    run
}

/// Creates a run with 50 % longer heartbeat times and a higher cost per socket.
fn worse() -> TestRun {
    let mut run = noisy(3);
    run.latencies
        .retain(|line| line.tag != "heartbeats.response");
    for second in 5..25_u64 {
        let values: Vec<u64> = (1..=100).map(|value| value * 3 / 2 + second % 4).collect();
        run.add_latency("heartbeats.response", second as f64, &values);
    }
    for line in run
        .intervals
        .iter_mut()
        .filter(|line| line.source.role == SourceRole::Node)
    {
        let open = line.gauges[gauge::SOCKETS_OPEN];
        *line.gauges.get_mut(gauge::RSS).unwrap() += open * RSS_SLOPE * 0.2;
    }
    run
}

#[test]
fn comparison_marks_differences_and_names_settings() {
    let dir = tempfile::tempdir().unwrap();
    let mut other = worse();
    other.manifest.plan.seed = 8;
    let runs = written(dir.path(), &[("before", noisy(2)), ("after", other)]);
    let text = compare(&runs, MismatchPolicy::Refuse).unwrap().text();
    assert!(
        text.starts_with(
            "known: The runs differ in one setting: seed (7, 8). All others are the same."
        ),
        "{text}"
    );
    let picked: Vec<&str> = text
        .lines()
        .filter(|line| {
            let starts = [
                "metric",
                "sockets.opened",
                "heartbeats.response",
                "cost_per",
            ];
            starts.iter().any(|start| line.starts_with(start))
        })
        .collect();
    expect![[r#"
        metric                               seed 7      seed 8
        sockets.opened                      1,000       1,000
        heartbeats.response.count           2,000       2,000
        heartbeats.response.mean          52.5 ms       77 ms -
        heartbeats.response.p50             52 ms     77.1 ms -
        heartbeats.response.p90             92 ms      137 ms -
        heartbeats.response.p99            102 ms      150 ms -
        heartbeats.response.p999           104 ms      153 ms
        heartbeats.response.max            104 ms      153 ms
        cost_per_socket.node_rss         1.95 KiB    2.34 KiB -
        cost_per_socket.node_heap           900 B       900 B
        cost_per_socket.node_open_files         1           1
        cost_per_socket.worker_rss       1.46 KiB    1.46 KiB
        cost_per_socket.kernel            4.1 KiB     4.1 KiB"#]]
    .assert_eq(&picked.join("\n"));
}

fn written(dir: &Path, runs: &[(&str, TestRun)]) -> Vec<PathBuf> {
    runs.iter()
        .map(|(name, run)| {
            let path = dir.join(name);
            run.write(&path);
            path
        })
        .collect()
}

fn with_policy(mut run: TestRun, policy: BalancerPolicy) -> TestRun {
    if let SystemSpec::Cluster(cluster) = &mut run.manifest.plan.system {
        (cluster.balancer, cluster.policy) = (BalancerKind::Gateway, policy);
    }
    run.manifest.balancer_configuration = Some(format!("policy {policy:?} <here>"));
    run
}

/// Two runs of each of two policies, with an event.
pub(crate) fn repeated(dir: &Path) -> Vec<PathBuf> {
    let with_event = |seed, policy| {
        let mut run = with_policy(noisy(seed), policy);
        run.add_event(10.0, action("kill-node", "n2"));
        run.add_conn_event(100, "lost", 100);
        run.add_conn_event(104 + seed, "reconnected", 100);
        run
    };
    written(
        dir,
        &[
            ("rr-1", with_event(1, BalancerPolicy::RoundRobin)),
            ("p2c-1", with_event(1, BalancerPolicy::P2c)),
            ("rr-2", with_event(2, BalancerPolicy::RoundRobin)),
            ("p2c-2", with_event(2, BalancerPolicy::P2c)),
        ],
    )
}

#[test]
fn runs_of_the_same_settings_are_repeats_with_intervals() {
    let dir = tempfile::tempdir().unwrap();
    let text = compare(&repeated(dir.path()), MismatchPolicy::Refuse)
        .unwrap()
        .text();
    assert!(
        text.contains("differ in one setting: policy (p2c, round-robin)")
            || text.contains("differ in one setting: policy (round-robin, p2c)"),
        "{text}"
    );
    assert!(text.contains("2 runs of each"), "{text}");
    let row = |name: &str| {
        let mut lines = text.lines();
        let line = lines.find(|line| line.starts_with(name));
        line.unwrap_or_else(|| panic!("no {name} in {text}"))
    };
    assert!(
        text.contains(
            "At the end, the fullest node held 1.00 times the mean with round-robin and p2c. \
             After kill-node n2, 99 % of the lost sockets were back within 0.65 s with \
             round-robin and p2c. After kill-node n2, connections to it failed for \
             0 s with round-robin and p2c."
        ),
        "{text}"
    );
    // The mean of 0.6 s and 0.7 s, with t for one degree of freedom times 0.05.
    let back = row("1 kill-node n2: half back after");
    assert_eq!(back.matches("0.65 s ±0.635 s").count(), 2, "{back}");
    let opened = row("sockets.opened");
    assert_eq!(opened.matches("1,000 ±0").count(), 2, "{opened}");
}

#[test]
fn runs_that_differ_in_two_things_are_rejected_or_cautioned() {
    let dir = tempfile::tempdir().unwrap();
    let mut other = with_policy(noisy(1), BalancerPolicy::P2c);
    other.manifest.plan.seed = 8;
    let runs = written(dir.path(), &[("one", noisy(1)), ("other", other)]);
    let error = compare(&runs, MismatchPolicy::Refuse)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("these runs cannot be compared:\n"),
        "{error}"
    );
    for named in [
        "balancer (none, gateway)",
        "policy (round-robin, p2c)",
        "seed (7, 8)",
    ] {
        assert!(error.contains(named), "no {named} in {error}");
    }
    let text = compare(&runs, MismatchPolicy::Warn).unwrap().text();
    assert!(
        text.contains("NOTE: not comparable: they differ in"),
        "{text}"
    );
}

#[test]
fn runs_on_other_machines_and_unfinished_runs_are_rejected() {
    let dir = tempfile::tempdir().unwrap();
    let mut other_machine = noisy(1);
    other_machine.manifest.host.cpus = Some(64);
    let mut killed = noisy(1);
    // The last event is the end of the run.
    killed.events.pop();
    let runs = written(
        dir.path(),
        &[
            ("first", noisy(1)),
            ("other", other_machine),
            ("killed", killed),
        ],
    );
    let error = compare(&runs, MismatchPolicy::Refuse)
        .unwrap_err()
        .to_string();
    for reason in [
        "first and other ran on different machines: the number of CPU cores is 2 and 64",
        "killed is truncated: the harness was killed",
    ] {
        assert!(error.contains(reason), "no {reason} in {error}");
    }
}

#[test]
fn effect_of_the_difference_is_described() {
    let dir = tempfile::tempdir().unwrap();
    // 750 and 250 sockets at the end.
    let even = |policy| {
        let mut run = with_policy(noisy(1), policy);
        run.add_event(10.0, action("add-node", "n3"));
        run
    };
    let mut uneven = even(BalancerPolicy::RoundRobin);
    for (node, open) in [("n1", 750.0), ("n2", 250.0)] {
        for second in 20..25 {
            let gauges = &mut uneven.line(SourceRole::Node, node, second).gauges;
            gauges.insert(gauge::SOCKETS_OPEN.to_owned(), open);
        }
    }
    let runs = written(
        dir.path(),
        &[
            ("round-robin", uneven),
            ("p2c", even(BalancerPolicy::P2c)),
            ("least-conn", even(BalancerPolicy::LeastConn)),
        ],
    );
    let comparison = compare(&runs, MismatchPolicy::Refuse).unwrap();
    let row = |name: &str| {
        let text = comparison.text();
        let line = text.lines().find(|line| line.starts_with(name));
        line.unwrap_or_else(|| panic!("no {name} in {text}"))
            .to_owned()
    };
    let uneven = row("1 add-node n3: balancing");
    assert!(
        uneven.contains("not reached") && uneven.ends_with("0 s"),
        "{uneven}"
    );
    let effect = "At the end, the fullest node held 1.50 times the mean with round-robin; \
                1.00 with p2c and least-conn.";
    assert!(comparison.text().contains(effect), "{}", comparison.text());
    let page = dir.path().join("comparison.html");
    comparison.write_page(&page).unwrap();
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.contains(effect));
    assert!(html.contains("policy P2c") && !html.contains("<th scope=\"col\">runs</th>"));
}

#[test]
fn runs_with_too_many_differences_are_labelled_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let mut other = noisy(1);
    let plan = &mut other.manifest.plan;
    plan.seed = 8;
    plan.duration += Duration::from_secs(1);
    for pool in &mut plan.devices {
        pool.count += 1;
        pool.heartbeat += Duration::from_secs(1);
        pool.connect_timeout += Duration::from_secs(1);
        pool.max_missed += 1;
        pool.reconnect.first += Duration::from_secs(1);
        pool.reconnect.max += Duration::from_secs(1);
    }
    let runs = written(dir.path(), &[("this", noisy(1)), ("that", other)]);
    let text = compare(&runs, MismatchPolicy::Warn).unwrap().text();
    let head = text.lines().find(|line| line.starts_with("metric "));
    let columns: Vec<&str> = head.unwrap().split_whitespace().collect();
    assert_eq!(columns, ["metric", "this", "that"]);
}

#[test]
fn numbered_runs_without_a_difference_are_repeats() {
    let dir = tempfile::tempdir().unwrap();
    let names = ["before-1", "before-2", "after-1", "after-2"];
    let runs = names.map(|name| (name, noisy(1)));
    let text = compare(&written(dir.path(), &runs), MismatchPolicy::Refuse)
        .unwrap()
        .text();
    assert!(
        text.contains("All settings are the same. There are 2 runs of each"),
        "{text}"
    );
    let head = text.lines().find(|line| line.starts_with("metric "));
    let columns: Vec<&str> = head.unwrap().split_whitespace().collect();
    assert_eq!(columns, ["metric", "before", "after"]);
}

#[test]
fn named_runs_without_a_difference_are_cells() {
    let dir = tempfile::tempdir().unwrap();
    let runs = written(dir.path(), &[("before", noisy(2)), ("after", worse())]);
    let text = compare(&runs, MismatchPolicy::Refuse).unwrap().text();
    assert!(text.contains("All settings are the same"), "{text}");
    assert!(
        text.lines()
            .any(|line| line.starts_with("metric ") && line.ends_with("before       after")),
        "{text}"
    );
}

#[test]
fn page_has_all_sockets_on_one_scale_and_loads_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("comparison.html");
    let runs = repeated(dir.path());
    compare(&runs, MismatchPolicy::Refuse)
        .unwrap()
        .write_page(&page)
        .unwrap();
    let html = fs::read_to_string(&page).unwrap();
    for part in [
        "<figure id=\"sockets-1\"",
        "Sockets of each node: round-robin",
        "<figure id=\"sockets-2\"",
        "Sockets of each node: p2c",
        "<figure id=\"evenness\"",
        "rr-1, rr-2",
        "policy P2c &lt;here&gt;",
        "2 runs of each",
    ] {
        assert!(html.contains(part), "no {part}");
    }
    // The name of the SVG namespace is an address that no browser loads.
    let without_names = html.replace("http://www.w3.org/2000/svg", "");
    for outside in ["http://", "https://", "src=", "@import", "url(", "<script"] {
        assert!(!without_names.contains(outside), "{outside}");
    }
}

#[test]
fn json_has_the_metrics_as_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("comparison.json");
    let comparison = compare(&repeated(dir.path()), MismatchPolicy::Refuse).unwrap();
    comparison.write_json(&file).unwrap();
    let json: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(json["schema"], 2);
    assert_eq!(
        json["differing"],
        json!([{ "path": "cluster.policy", "values": ["round-robin", "p2c"] }])
    );
    assert_eq!(
        json["cells"][1],
        json!({ "label": "p2c", "runs": ["p2c-1", "p2c-2"] })
    );
    let metric = |name: &str| {
        let mut metrics = json["metrics"].as_array().unwrap().iter();
        metrics.find(|metric| metric["name"] == name).unwrap()
    };
    let opened = json!({ "mean": 1000.0, "margin": 0.0, "measured": 2, "change": null });
    assert_eq!(metric("sockets.opened")["cells"], json!([opened, opened]));
    assert_eq!(metric("heartbeats.response.p99")["unit"], "ms");
    let balancing = json["balancing"].as_array().unwrap();
    assert_eq!(balancing[0]["unit"], "ratio");
}

#[test]
fn missing_run_is_an_error() {
    let error = compare(&["/nowhere/at/all".into()], MismatchPolicy::Refuse).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read /nowhere/at/all/manifest.json"
    );
}
