//! The report of a failure: what happened, whose fault it was, and what the server said.

use highwater_reports::summary::{FailureOrigin, Summary};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::server::ForeignServer;
use crate::harness::{CliRun, FinishedRun, checks::assert_problem};

/// Asserts that the summary has a kind of failure, and that a person reads `sentence` about
/// it in the terminal, the page and the file for CI jobs.
pub(super) fn assert_failure(summary: &Summary, kind: &str, sentence: &str, run: &FinishedRun) {
    let found = summary.failures.iter().find(|failure| failure.kind == kind);
    let found = found.unwrap_or_else(|| panic!("no {kind} in {:?}", summary.failures));
    assert_eq!(found.count, run.counted(kind), "{found:?}");
    assert!(
        found.first_s < found.last_s && !found.workers.is_empty(),
        "{found:?}"
    );
    // The terminal wraps lines.
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let start: String = sentence.chars().take(60).collect();
    assert!(
        words(&run.stdout).contains(&words(&start)),
        "{}",
        run.stdout
    );
    let decoded = |text: String| {
        let text = text
            .replace("&quot;", "\"")
            .replace("&#x27;", "'")
            .replace("&#x2f;", "/");
        text.replace("&lt;", "<").replace("&gt;", ">")
    };
    for file in ["report.html", "junit.xml"] {
        let text = decoded(run.file(file));
        assert!(text.contains(sentence), "{sentence} is not in {file}");
    }
}

#[test]
fn server_without_websockets_is_named_in_the_first_line() {
    let server = ForeignServer::start(|request| request.answer("200 OK", "", "<p>hello</p>"));
    let run = CliRun::run_to_end(&server.scenario(
        r#"[[gates]]
        check = "sockets.open_at_end == 10""#,
    ));
    assert_eq!(run.code, Some(3), "{}", run.stdout);
    let first_line = run.stdout.lines().next().unwrap_or_default();
    let verdict = "foreign failed: none of 10 sockets opened: they got 200 OK and no WebSocket:";
    assert!(first_line.starts_with(verdict), "{}", run.stdout);
    // The answer is HTML, and a person reads its text.
    let sentence = "handshakes were answered with 200 OK and no WebSocket: \"hello\"";
    assert_failure(&run.summary(), "connect.failed.status_200", sentence, &run);
}

#[test]
fn close_frame_is_quoted_with_its_code_and_its_reason() {
    let server = ForeignServer::start(|request| {
        let mut socket = request.open_socket("");
        let frame = CloseFrame {
            code: 4008.into(),
            reason: "token\nexpired".into(),
        };
        let _ = socket.close(Some(frame));
        // Until the client has answered and left.
        while socket.read().is_ok() {}
    });
    let run = CliRun::run_to_end(&server.scenario(""));
    let summary = run.summary();
    let sentence = "sockets were closed by the server with code 4008: \"token expired\"";
    assert_failure(&summary, "disconnect.closed_4008", sentence, &run);
    assert_eq!(summary.failures[0].origin, FailureOrigin::Target);
}

#[test]
fn heartbeats_without_a_single_answer_fail_the_run() {
    let server = ForeignServer::start(|request| {
        let socket = request.open_socket("");
        // Reads nothing until the client has gone, so that no ping is answered.
        let _ = std::io::copy(&mut socket.get_ref(), &mut std::io::sink());
    });
    let run = CliRun::run_to_end(&server.scenario(""));
    assert_eq!(run.code, Some(3), "{}", run.stdout);
    assert_problem(&run.summary(), " heartbeats was answered");
}

#[test]
fn secrets_of_clients_are_masked_wherever_they_come_back() {
    let server = ForeignServer::start(|request| {
        let header = request.header("x-key").unwrap_or_default().to_owned();
        let location = "Location: /login?state=s3cr3t-state\r\n";
        let body = format!("{} is not valid, nor is {header}", request.line);
        request.answer("302 Found", location, &body);
    });
    let scenario = server
        .scenario("headers = { X-Key = \"s3cr3t-header\" }")
        .replace(
            "device={device}",
            "device={device}&token=s3cr3t-query&env=${FAILURES_TEST_KEY}",
        );
    let run = CliRun::launch("run", &scenario, |command| {
        command.env("FAILURES_TEST_KEY", "s3cr3t-variable")
    });
    let run = run.finish();
    assert!(
        run.counted("connect.failed.status_302") > 0,
        "{}",
        run.stderr
    );
    let example = run.summary().failures.swap_remove(0).example.unwrap();
    assert_eq!(example.location.as_deref(), Some("/login?state=***"));
    let body = example.body.unwrap();
    assert!(
        body.contains("token=***") && body.ends_with("nor is ***"),
        "{body}"
    );
    for file in [
        "manifest.json",
        "events.jsonl",
        "summary.json",
        "report.html",
        "junit.xml",
    ] {
        assert!(!run.file(file).contains("s3cr3t"), "{file}");
    }
    assert!(!format!("{}{}", run.stdout, run.stderr).contains("s3cr3t"));
}
