//! Servers that are not ours, observed by metrics of their own, by control groups and behind
//! credentials.

use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use highwater_reports::summary::{ObservedMetric, Summary};

use super::server::ForeignServer;
use crate::harness::{CliRun, FinishedRun, checks::assert_problem, highwater};
use crate::server::ServerProcess;

const METRICS: &str = "# TYPE depth gauge\n\
                       depth{queue=\"in\",shard=\"1\"} 3\n\
                       depth{queue=\"in\",shard=\"2\"} 4\n\
                       depth{queue=\"out\",shard=\"1\"} 50\n";

fn observed_metric<'s>(summary: &'s Summary, process: &str, metric: &str) -> &'s ObservedMetric {
    let metrics = summary.observe.get(process);
    let metric = metrics.and_then(|metrics| metrics.get(metric));
    metric.unwrap_or_else(|| panic!("{:?}", summary.observe))
}

/// Returns the keys of an observed process `app` with the endpoint of a server.
fn app(server: &ForeignServer, more: &str) -> String {
    let address = server.address;
    let observe = format!(
        "[[target.observe]]\nname = \"app\"\nprometheus = \"http://{address}/metrics\"\n{more}"
    );
    server.scenario(&observe)
}

#[test]
fn own_metrics_are_in_the_summary_the_gates_and_the_page() {
    let requests = AtomicU64::new(0);
    let server = ForeignServer::with_sockets(move |request| {
        // 250 jobs from each sample to the next, and a gauge that all requests agree on.
        let jobs = 250 * requests.fetch_add(1, Relaxed);
        let text = format!("{METRICS}# TYPE jobs counter\njobs_total {jobs}\n# EOF\n");
        let accept = request.header("accept").unwrap_or_default();
        assert!(accept.contains("application/openmetrics-text"), "{accept}");
        request.answer("200 OK", "", &text);
    });
    let run = CliRun::run_to_end(&app(
        &server,
        r#"
        metrics = { in = 'depth{queue="in"}', sharded = 'depth{shard=~"1|3"}', jobs = "jobs_total" }
        [[gates]]
        check = "observe.app.in.max <= 7"
        [[gates]]
        check = "observe.app.in.min == 7"
        during = "run"
        [[gates]]
        name = "jobs"
        check = "observe.app.jobs.mean <= 1"
        "#,
    ));
    // The rate of the counter is above the limit of the last gate.
    assert_eq!(run.code, Some(3), "{}{}", run.stdout, run.stderr);
    let summary = run.summary();
    assert_eq!(observed_metric(&summary, "app", "in").mean, Some(7.0));
    assert_eq!(observed_metric(&summary, "app", "sharded").last, Some(53.0));
    let jobs = observed_metric(&summary, "app", "jobs");
    assert!(jobs.per_second);
    // A sample may be late by a part of a second.
    let rate = jobs.mean.unwrap();
    assert!((200.0..300.0).contains(&rate), "{rate}");
    // Three seconds of load say nothing about an hour.
    assert_eq!(jobs.growth_per_hour, None);
    let verdicts: Vec<_> = summary.gates.iter().map(|gate| gate.verdict).collect();
    assert_eq!(format!("{verdicts:?}"), "[Passed, Passed, Failed]");

    let page = run.file("report.html");
    for part in [
        "Metrics of the target",
        "data-chart=\"observed-in\"",
        "app: sharded",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(run.file("charts/observed-jobs.svg").contains("<svg"));
}

#[test]
fn selector_that_finds_nothing_ends_the_start() {
    let server = ForeignServer::with_metrics(METRICS);
    let refused = |selector: &str| {
        let metrics = format!("metrics = {{ depth = '{selector}' }}");
        let run = CliRun::run_to_end(&app(&server, &metrics));
        assert_eq!(run.code, Some(5), "{}", run.stderr);
        run.stderr
    };
    let stderr = refused("dept");
    assert!(stderr.contains("cannot observe app: "), "{stderr}");
    assert!(stderr.contains("did you mean `depth`?"), "{stderr}");
    let stderr = refused("depth{queue=\"on\"}");
    let series = "it has `depth{queue=\"in\",shard=\"1\"}`";
    assert!(stderr.contains(series), "{stderr}");
    assert!(stderr.contains("late_metrics = true"), "{stderr}");
}

#[test]
fn late_and_vanished_metrics_are_named() {
    let requests = AtomicU64::new(0);
    let server = ForeignServer::with_sockets(move |request| {
        let text = match requests.fetch_add(1, Relaxed) {
            0 | 1 => METRICS,
            _ => "other 1\n",
        };
        request.answer("200 OK", "", text);
    });
    let run = CliRun::run_to_end(&app(
        &server,
        "late_metrics = true\nmetrics = { depth = \"depth\", never = \"nothing\" }",
    ));
    let summary = run.summary();
    assert_problem(&summary, "had the metric `nothing` that the scenario names");
    assert_problem(&summary, "the metric `depth` was missing from ");
    assert_eq!(observed_metric(&summary, "app", "depth").last, None);
    assert_eq!(observed_metric(&summary, "app", "never").max, None);
}

#[test]
fn several_endpoints_are_processes_of_their_own_and_a_sum() {
    let server = ForeignServer::with_metrics("depth 3\nws_connections {open}\n");
    let other = ForeignServer::with_metrics("depth 4\nws_connections 0\n");
    let run = CliRun::run_to_end(&server.scenario(&format!(
        r#"
        [[target.observe]]
        name = "app"
        prometheus = ["http://{}/metrics", "http://{}/metrics"]
        sockets_metric = "ws_connections"
        metrics = {{ depth = "depth" }}
        [[gates]]
        check = "observe.app.depth.max == 7"
        [[gates]]
        check = "observe.app-2.depth.max == 4"
        [[gates]]
        check = "sockets.server_open_peak == 10"
        "#,
        server.address, other.address
    )));
    run.assert_passed();
    let nodes = run.summary().nodes;
    let peaks: Vec<_> = nodes
        .iter()
        .map(|node| (&*node.id, node.sockets_peak))
        .collect();
    assert_eq!(peaks, [("app-1", Some(10)), ("app-2", Some(0))]);
}

/// Runs against an endpoint that wants this `Authorization`.
fn guarded(authorization: &'static str, credentials: &str) -> FinishedRun {
    let server = ForeignServer::with_sockets(move |request| {
        match request.header("authorization") == Some(authorization) {
            true => request.answer("200 OK", "", "depth 1\n"),
            false => request.answer("401 Unauthorized", "", ""),
        }
    });
    let metrics = "metrics = { depth = \"depth\" }";
    CliRun::launch(
        "run",
        &app(&server, &format!("{credentials}\n{metrics}")),
        |command| command.env("METRICS_SECRET", "open sesame"),
    )
    .finish()
}

#[test]
fn credentials_are_sent_to_endpoints_and_stay_out_of_the_record() {
    let bearer = "headers = { Authorization = \"Bearer ${METRICS_SECRET}\" }";
    let basic = "basic = { user = \"Aladdin\", password = \"${METRICS_SECRET}\" }";
    for (authorization, credentials) in [
        ("Bearer open sesame", bearer),
        ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", basic),
    ] {
        let run = guarded(authorization, credentials);
        run.assert_passed();
        let summary = run.summary();
        assert_eq!(observed_metric(&summary, "app", "depth").max, Some(1.0));
        let manifest = run.file("manifest.json");
        assert!(manifest.contains("${METRICS_SECRET}"), "{manifest}");
        assert!(!manifest.contains("sesame") && !manifest.contains("QWxh"));
    }
    let run = guarded("Bearer open sesame", "");
    assert_eq!(run.code, Some(5), "{}", run.stderr);
    assert!(
        run.stderr.contains("status 401 Unauthorized"),
        "{}",
        run.stderr
    );
}

#[test]
fn written_credentials_are_masked() {
    let run = guarded(
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "basic = { user = \"Aladdin\", password = \"open sesame\" }",
    );
    run.assert_passed();
    let record = run.file("manifest.json") + &run.file("report.html");
    assert!(!record.contains("sesame") && !record.contains("Aladdin"));
    assert!(run.stderr.contains("basic"), "{}", run.stderr);
}

#[test]
fn node_with_tokens_shows_its_metrics_to_the_token_of_operators() {
    const TOKEN: &str = "an-example-token-of-some-operators";
    let mut command = highwater(&["serve", "node", "--listen", "127.0.0.1:0"]);
    command.args(["--id", "theirs", "--auth"]);
    command.env("HIGHWATER_AUTH_SECRET", "an-example-secret-of-32-bytes-ok");
    command.env("HIGHWATER_ADMIN_TOKEN", TOKEN);
    let node = ServerProcess::spawn(command);
    let server = ForeignServer::with_metrics("");
    let scenario = server.scenario(&format!(
        r#"
        [[target.observe]]
        name = "n1"
        prometheus = "http://{}/metrics"
        headers = {{ Authorization = "Bearer ${{OPERATOR}}" }}
        metrics = {{ members = "highwater_backplane_members" }}
        [[gates]]
        check = "nodes.heap.max >= 1B"
        "#,
        node.address
    ));
    let run = CliRun::launch("run", &scenario, |command| command.env("OPERATOR", TOKEN)).finish();
    let summary = run.summary();
    assert_eq!(observed_metric(&summary, "n1", "members").max, Some(1.0));
    assert!(
        summary.node_maxima.heap.max > Some(0),
        "{:?}",
        summary.node_maxima
    );
}

#[test]
fn control_group_replaces_memory_and_cpu_time() {
    let group = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(group.path().join(name), text).unwrap();
    write("memory.current", "104857600\n");
    write("memory.stat", "anon 62914560\ninactive_file 31457280\n");
    write("cpu.stat", "usage_usec 2500000\nthrottled_usec 0\n");
    write("pids.current", "12\n");
    write("memory.peak", "209715200\n");
    write(
        "io.pressure",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=125000\n",
    );
    let server = ForeignServer::with_metrics("ws_connections {open}\n");
    let run = CliRun::run_to_end(&app(
        &server,
        &format!(
            "sockets_metric = \"ws_connections\"\ncgroup = {:?}\n\
             [[gates]]\ncheck = \"nodes.rss.max == 73400320B\"\n",
            group.path()
        ),
    ));
    run.assert_passed();
    let node = &run.summary().nodes[0];
    assert_eq!((node.sockets_peak, node.cpu_s), (Some(10), Some(0.0)));
    let cgroup = node.cgroup.as_ref().unwrap();
    assert_eq!(
        (cgroup.anon_peak, cgroup.pids_peak),
        (Some(62_914_560), Some(12))
    );
    assert_eq!(
        (cgroup.memory_peak, cgroup.io_pressure_s),
        (Some(209_715_200), Some(0.0))
    );
    assert!(
        run.file("report.html")
            .contains("Control groups of the nodes")
    );

    let missing = app(&server, "cgroup = \"no.slice/such.service\"");
    let run = CliRun::run_to_end(&missing);
    assert_eq!(run.code, Some(5), "{}", run.stderr);
    let expected = "cannot read the control group /sys/fs/cgroup/no.slice/such.service";
    assert!(run.stderr.contains(expected), "{}", run.stderr);
}
