//! Runs side by side, and a run against a baseline.

use expect_test::expect;
use highwater_reports::{
    compare, judge,
    record::{Role, names::gauge},
    summary::Verdict,
    verdict_text,
};

use crate::run::{RSS_SLOPE, Run};

/// A clean run whose heartbeats scatter a little from second to second.
fn noisy(seed: u64) -> Run {
    let mut run = Run::clean();
    run.latencies
        .retain(|line| line.tag != "heartbeats.response");
    for second in 5..25_u64 {
        let off = (second * 7 + seed * 3) % 5;
        let values: Vec<u64> = (1..=100).map(|value| value + off).collect();
        run.time("heartbeats.response", second as f64, &values);
    }
    run
}

/// The same, its answers half as long again and its nodes' sockets dearer.
fn worse() -> Run {
    let mut run = noisy(3);
    run.latencies
        .retain(|line| line.tag != "heartbeats.response");
    for second in 5..25_u64 {
        let values: Vec<u64> = (1..=100).map(|value| value * 3 / 2 + second % 4).collect();
        run.time("heartbeats.response", second as f64, &values);
    }
    for line in run
        .intervals
        .iter_mut()
        .filter(|line| line.source.role == Role::Node)
    {
        let open = line.gauges[gauge::SOCKETS_OPEN];
        *line.gauges.get_mut(gauge::RSS).unwrap() += open * RSS_SLOPE * 0.2;
    }
    run
}

#[test]
fn a_run_like_the_baseline_passes() {
    let summary = judge(&noisy(1).record(), Some(&noisy(2).record()));
    assert_eq!(
        summary.verdict,
        Verdict::Passed,
        "{}",
        verdict_text(&summary)
    );
    assert_eq!(judge(&noisy(1).record(), None), noisy(1).summary());
}

#[test]
fn a_run_worse_than_the_baseline_fails_and_a_better_one_does_not() {
    let summary = judge(&worse().record(), Some(&noisy(2).record()));
    assert_eq!(summary.verdict, Verdict::Failed);
    let worse_than: Vec<&str> = summary
        .gates
        .iter()
        .map(|gate| gate.check.as_str())
        .collect();
    assert!(
        worse_than.contains(&"heartbeats.response.p99 <= baseline"),
        "{worse_than:?}"
    );
    assert!(
        worse_than.contains(&"cost_per_socket.node_rss <= baseline"),
        "{worse_than:?}"
    );
    let better = judge(&noisy(2).record(), Some(&worse().record()));
    assert_eq!(better.verdict, Verdict::Passed, "{}", verdict_text(&better));
}

#[test]
fn side_by_side_with_marks_and_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("before"), dir.path().join("after"));
    noisy(2).write(&a);
    let mut other = worse();
    other.manifest.plan.seed = 8;
    other.write(&b);
    let text = compare(&[a, b]).unwrap();
    let picked: Vec<&str> = text
        .lines()
        .filter(|line| {
            let starts = [
                "NOT",
                "figure",
                "sockets.opened",
                "heartbeats.response",
                "cost_per",
            ];
            starts.iter().any(|start| line.starts_with(start))
        })
        .collect();
    expect![[r#"
        NOT ALIKE: before and after: other plans: seed differ
        figure                               before       after
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

#[test]
fn a_run_that_is_not_there_is_an_error() {
    let error = compare(&["/nowhere/at/all".into()]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read /nowhere/at/all/manifest.json"
    );
}
