//! The metrics endpoints of servers that are not ours.

use std::time::{Duration, Instant};

use super::server::ForeignServer;
use crate::harness::{CliRun, FinishedRun, checks::assert_problem};

fn observed(server: &ForeignServer, metric: &str) -> FinishedRun {
    let address = server.address;
    CliRun::run_to_end(&server.scenario(&format!(
        "observe = [{{ name = \"app\", prometheus = \"http://{address}/metrics\", \
         sockets_metric = \"{metric}\" }}]"
    )))
}

#[test]
fn every_sample_of_the_format_counts() {
    let server = ForeignServer::with_metrics(
        "# TYPE ws_connections gauge\n\
         ws_connections{route=\"/devices/{id} x\"} {open}\n\
         ws_connections{route=\"/other\",} 0\n",
    );
    let run = observed(&server, "ws_connections");
    run.assert_passed();
    assert_eq!(run.summary().sockets.server_open_peak, Some(10));
}

#[test]
fn metric_that_no_answer_has_is_named() {
    let server = ForeignServer::with_metrics("ws_connections {open}\n");
    let run = observed(&server, "ws_conections");
    let summary = run.summary();
    assert_eq!(summary.sockets.server_open_peak, None);
    assert_problem(
        &summary,
        "had the metric `ws_conections` that the scenario names; did you mean `ws_connections`?",
    );
    // A measurement that the scenario asks for is missing.
    run.assert_inconclusive();
    assert_problem(&summary, "app did not show the metric `ws_conections`");
}

#[test]
fn page_in_place_of_metrics_is_named() {
    let server = ForeignServer::with_metrics("<html>\n<p>hello</p>\n</html>\n");
    let run = observed(&server, "ws_connections");
    assert_problem(&run.summary(), "cannot read 3 lines of http://");
}

#[test]
fn endpoint_that_goes_away_leaves_the_run_inconclusive() {
    let first = std::sync::OnceLock::new();
    let server = ForeignServer::with_sockets(move |request| {
        let since: &Instant = first.get_or_init(Instant::now);
        match since.elapsed() < Duration::from_secs(3) {
            true => request.answer("200 OK", "", "ws_connections 10\n"),
            false => request.answer("404 Not Found", "", ""),
        }
    });
    let run = observed(&server, "ws_connections");
    run.assert_inconclusive();
    assert_problem(&run.summary(), "app was not found at http://");
}

#[test]
fn processes_that_cannot_be_observed_are_refused_at_the_start() {
    let server = ForeignServer::with_sockets(|request| request.answer("404 Not Found", "", ""));
    let address = server.address;
    for (observe, reason) in [
        // Above the largest process id that Linux gives.
        (
            "pid = 8388608",
            "no process of this machine has the id 8388608",
        ),
        (
            &*format!("prometheus = \"http://{address}/metrics?token=s3cr3t-of-app\""),
            "/metrics?token=***: status 404",
        ),
    ] {
        let observe = format!("observe = [{{ name = \"app\", {observe} }}]");
        let run = CliRun::run_to_end(&server.scenario(&observe));
        assert_eq!(run.code, Some(5), "{}", run.stderr);
        assert!(
            run.stderr.contains("cannot observe app: "),
            "{}",
            run.stderr
        );
        assert!(run.stderr.contains(reason), "{}", run.stderr);
        assert!(!run.stderr.contains("s3cr3t"), "{}", run.stderr);
    }
}

/// An endpoint that counts other things, or a proxy that holds the sockets.
#[test]
fn nodes_that_count_none_of_the_clients_sockets_fail_the_run() {
    let server = ForeignServer::with_metrics("ws_connections 0\n");
    let run = observed(&server, "ws_connections");
    assert_eq!(run.code, Some(3), "{}", run.stdout);
    let failures = run.summary().target_failures;
    assert_eq!(
        failures,
        ["the nodes counted 0 sockets where the clients had 10 open"]
    );
}
