//! The metrics that a scenario names, growth at constant load, and leaks.

use highwater_reports::{
    record::{SourceRole, TimedEvent, names::gauge},
    summary::Verdict,
};
use highwater_scenarios::plan::{Plan, SystemSpec};

use crate::run::{TestRun, line};

const MIB: f64 = 1_048_576.0;

/// Returns a run of a target with two endpoints of `app`, of this many seconds of steady phase.
/// `value` returns the gauges of an endpoint in a second.
fn observed_run(seconds: u64, value: impl Fn(u64, u64) -> Vec<(&'static str, f64)>) -> TestRun {
    let mut run = TestRun::clean();
    run.manifest.plan.system = target();
    run.intervals.clear();
    run.latencies.clear();
    let end = (seconds + 5) as f64;
    run.events = run
        .events
        .into_iter()
        .map(|event| later(event, end))
        .collect();
    for second in 0..seconds + 5 {
        let sockets = [(gauge::SOCKETS_OPEN, if second < 5 { 10.0 } else { 1_000.0 })];
        let worker = line(SourceRole::Worker, "w1", second as f64, 1.0, &sockets);
        run.intervals.push(worker);
        for endpoint in 1..=2 {
            let mut gauges = value(endpoint, second);
            gauges.push((gauge::UP, 1.0));
            let id = format!("app-{endpoint}");
            let at = second as f64 + 1.001;
            run.intervals
                .push(line(SourceRole::Node, &id, at, 0.0, &gauges));
        }
    }
    run
}

/// Moves an event after the steady phase to the end of a longer one.
fn later(event: TimedEvent, end: f64) -> TimedEvent {
    match event.at > 5.0 {
        true => TimedEvent { at: end, ..event },
        false => event,
    }
}

fn target() -> SystemSpec {
    let text = r#"
        name = "observed"
        duration = "60s"
        [target]
        ws = "ws://h/{device}"
        dialect = "plain"
        [[target.observe]]
        name = "app"
        prometheus = ["http://a/metrics", "http://b/metrics"]
        metrics = { depth = "depth", jobs = "jobs_total" }
        [[devices]]
        name = "home"
        count = 1000
        ramp = "200/s"
    "#;
    let plan: Plan = highwater_scenarios::parse("observed.toml", text, &[]).unwrap();
    plan.system
}

#[test]
fn metrics_are_those_of_each_endpoint_and_of_all_together() {
    let mut run = observed_run(100, |endpoint, second| {
        let mut gauges = vec![("observed_total.jobs", (second * 20 * endpoint) as f64)];
        // The second endpoint shows its queue for a part of the time only.
        if endpoint == 1 || second < 50 {
            gauges.push(("observed.depth", (endpoint * 10 + second % 2) as f64));
        }
        gauges
    });
    run.add_gate("observe.app-1.depth.max <= 11", None);
    run.add_gate("observe.app.jobs.mean <= 50", None);
    run.add_gate("observe.app-2.depth.last <= 50", None);
    let summary = run.summary();
    let depth = |process: &str| &summary.observe[process]["depth"];
    let first = depth("app-1");
    assert_eq!(
        (first.per_second, first.min, first.max, first.mean),
        (false, Some(10.0), Some(11.0), Some(10.5))
    );
    assert!(first.last.is_some() && depth("app-2").last.is_none());
    assert_eq!(depth("app").max, Some(32.0));
    // A value that goes up and down has no growth but that of its odd half: 3 / N² per second in
    // the fit of an even number of seconds, of which a minute and more are left.
    assert!(first.growth_per_hour.unwrap().abs() < 3.0, "{first:?}");

    let jobs = &summary.observe["app"]["jobs"];
    assert!(jobs.per_second);
    assert!((jobs.mean.unwrap() - 60.0).abs() < 1e-6, "{jobs:?}");
    let verdicts: Vec<Verdict> = summary.gates.iter().map(|gate| gate.verdict).collect();
    use Verdict::{Failed, Inconclusive, Passed};
    assert_eq!(verdicts, [Passed, Failed, Inconclusive]);
}

#[test]
fn growth_is_fitted_at_constant_load_only() {
    let grows = |seconds| {
        let run = observed_run(seconds, |endpoint, second| {
            let grown = second as f64 * endpoint as f64 / 3_600.0;
            vec![
                (gauge::HEAP, (100.0 + grown) * MIB),
                (gauge::OPEN_FILES, 30.0),
            ]
        });
        run.summary().node_maxima
    };
    let maxima = grows(90);
    // The second endpoint grows by 2 MiB an hour.
    let growth = maxima.heap.growth_per_hour.unwrap() / MIB;
    assert!((growth - 2.0).abs() < 0.01, "{growth}");
    assert_eq!(maxima.open_files.max, Some(30));
    assert_eq!(maxima.open_files.growth_per_hour, Some(0.0));
    assert_eq!(maxima.rss.max, None);
    assert_eq!(grows(50).heap.growth_per_hour, None);
}

#[test]
fn leak_is_named_without_a_gate() {
    let leaks = |per_hour: f64| {
        let run = observed_run(400, |endpoint, second| {
            let leaking = if endpoint == 2 { per_hour } else { 0.0 };
            vec![(
                gauge::RSS,
                (100.0 + second as f64 * leaking / 3_600.0) * MIB,
            )]
        });
        let problems = run.summary().problems.into_iter();
        let problems: Vec<_> = problems.filter(|text| text.contains("grew by")).collect();
        problems.join("; ")
    };
    let leak = leaks(36.0);
    assert!(
        leak.starts_with("RSS of app-2 grew by 36 MiB/h at constant load, from 100 MiB to 104 MiB"),
        "{leak}"
    );
    assert_eq!(leaks(0.0), "");
}

/// Every second answer comes from a process that started earlier and holds half of the sockets.
#[test]
fn endpoint_of_several_processes_is_not_measured() {
    let mut run = observed_run(20, |endpoint, second| {
        let is_other = endpoint == 1 && second % 2 == 0;
        let (started, share) = if is_other {
            (1.7e9, 0.25)
        } else {
            (1.8e9, 0.5)
        };
        let sockets = if second < 5 { 10.0 } else { 1_000.0 };
        vec![
            (gauge::STARTED_AT, started),
            (gauge::SOCKETS_OPEN, sockets * share),
            (gauge::RSS, 50.0 * MIB),
            (gauge::CPU, second as f64 * share),
        ]
    });
    run.add_gate("sockets.dropped == 0", None);
    let summary = run.summary();
    assert_eq!(summary.verdict, Verdict::Inconclusive, "{summary:?}");
    // The clients have 1,000 sockets open, and the counts of one process say nothing of that.
    assert_eq!(summary.target_failures, [""; 0]);
    let [mixed, whole] = summary.nodes.as_slice() else {
        panic!("{:?}", summary.nodes);
    };
    assert_eq!((mixed.sockets_peak, mixed.rss_peak), (None, None));
    assert_eq!(whole.rss_peak, Some(52_428_800));
    let problem = "the endpoint of app-1 is answered by several processes in turn, so its \
                   metrics are not measured; observe each process by an address of its own";
    let about_app = summary.problems.iter().filter(|text| text.contains("app-"));
    assert_eq!(about_app.collect::<Vec<_>>(), [problem]);
}
