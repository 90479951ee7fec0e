//! The metrics endpoints of servers that are not ours.

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
}

#[test]
fn page_in_place_of_metrics_is_named() {
    let server = ForeignServer::with_metrics("<html>\n<p>hello</p>\n</html>\n");
    let run = observed(&server, "ws_connections");
    assert_problem(&run.summary(), "cannot read 3 lines of http://");
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
