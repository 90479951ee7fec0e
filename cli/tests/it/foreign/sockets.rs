//! Handshakes and sockets of servers that are not ours.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, Instant},
};

use highwater_reports::summary::FailureOrigin;
use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame};

use super::{failures::assert_failure, server::ForeignServer};
use crate::harness::{
    CliRun,
    checks::{assert_problem, was_late},
};

/// The sockets of every scenario here.
const SOCKETS: u64 = 10;

#[test]
fn refused_handshakes_fail_the_run_with_their_status() {
    let server =
        ForeignServer::start(|request| request.answer("401 No", "", "who are\n\u{1b}you?"));
    let run = CliRun::run_to_end(&server.scenario(
        r#"[[gates]]
        check = "heartbeats.missed == 0""#,
    ));
    let summary = run.summary();
    assert_eq!(run.code, Some(3), "{}", run.stdout);
    assert!(run.counted("connect.failed.status_401") >= SOCKETS);
    let failure = &summary.target_failures[0];
    assert_eq!(
        failure,
        r#"none of 10 sockets opened: they got 401 No: "who are \u{1b}you?""#
    );
    let first_line = run.stdout.lines().next().unwrap();
    assert!(
        first_line.starts_with("foreign failed: none of 10 sockets opened: they got 401"),
        "{first_line}"
    );
    assert_failure(
        &summary,
        "connect.failed.status_401",
        r#" handshakes were refused with 401 No: "who are \u{1b}you?""#,
        &run,
    );
    let junit = run.file("junit.xml");
    assert!(
        junit.contains("<failure message=\"foreign failed: none of 10"),
        "{junit}"
    );
}

#[test]
fn redirected_handshakes_are_named_with_their_destination() {
    let location = "Location: https://elsewhere.example/ws\r\n";
    let server = ForeignServer::start(move |request| request.answer("307 Moved", location, ""));
    let run = CliRun::run_to_end(&server.scenario(""));
    assert!(run.counted("connect.failed.status_307") >= SOCKETS);
    let sentence = "handshakes were redirected with 307 Moved to \"https://elsewhere.example/ws\"";
    assert_failure(&run.summary(), "connect.failed.status_307", sentence, &run);
}

#[test]
fn target_that_dies_for_good_fails_the_run() {
    let dead = AtomicBool::new(false);
    let first = std::sync::OnceLock::new();
    let server = ForeignServer::start(move |request| {
        let since: &Instant = first.get_or_init(Instant::now);
        request.serve_socket("", |socket| {
            if since.elapsed() > Duration::from_secs(3) {
                dead.store(true, Relaxed);
                let _ = socket.get_ref().shutdown(std::net::Shutdown::Both);
            }
            !dead.load(Relaxed)
        });
    });
    let run = CliRun::run_to_end(&server.scenario(
        r#"[[gates]]
        check = "heartbeats.missed <= 100""#,
    ));
    assert_eq!(run.code, Some(3), "{}", run.stdout);
    let failures = run.summary().target_failures;
    let lost = "none of 10 sockets was open at the end of the steady phase";
    assert!(
        failures.iter().any(|failure| failure.starts_with(lost)),
        "{failures:?}"
    );
}

/// The server closes all sockets as soon as the harness closes its first one.
#[test]
fn sockets_closed_by_the_server_in_the_drain_are_not_dropped() {
    let draining = std::sync::Arc::new(AtomicBool::new(false));
    let server = ForeignServer::start(move |request| {
        let draining = draining.clone();
        let mut socket = request.open_socket("");
        let timeout = Some(Duration::from_millis(20));
        socket.get_ref().set_read_timeout(timeout).unwrap();
        loop {
            match socket.read() {
                Ok(Message::Close(_)) => break draining.store(true, Relaxed),
                Err(tokio_tungstenite::tungstenite::Error::Io(error))
                    if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => break,
                Ok(_) => {}
            }
            if draining.load(Relaxed) {
                let frame = CloseFrame {
                    code: 1001.into(),
                    reason: "".into(),
                };
                let _ = socket.close(Some(frame));
                break;
            }
        }
        let _ = socket.flush();
    });
    let run = CliRun::run_to_end(&server.scenario(
        r#"[[gates]]
        check = "sockets.dropped == 0""#,
    ));
    run.assert_passed();
    assert_eq!(run.summary().sockets.open_at_end, Some(SOCKETS));
}

#[test]
fn device_stands_in_the_request_target_and_in_header_fields() {
    let server = ForeignServer::start(|request| {
        let device = request.line.split(['=', ' ']).nth(2).unwrap_or_default();
        let expected = format!("Bearer tok-{device}");
        let is_right = request.line.starts_with("GET /?device=home-")
            && request.header("authorization") == Some(&expected);
        match is_right {
            true => request.serve_socket("", |_| true),
            false => request.answer("400 Bad Request", "", ""),
        }
    });
    let scenario = server.scenario(r#"headers = { Authorization = "Bearer tok-{device}" }"#);
    // A query right behind the authority: the empty path is written as `/`.
    let scenario = scenario.replace("/ws?device", "?device");
    let run = CliRun::run_to_end(&scenario);
    run.assert_passed();
    assert_eq!(run.summary().sockets.opened, SOCKETS);
}

#[test]
fn subprotocol_is_offered_and_must_be_accepted() {
    let server = ForeignServer::start(|request| match request.header("sec-websocket-protocol") {
        Some("v2.devices, v1.devices") => {
            request.serve_socket("Sec-WebSocket-Protocol: v1.devices\r\n", |_| true);
        }
        Some(_) => request.serve_socket("", |_| true),
        None => request.answer("400 Bad Request", "", ""),
    });
    let run = CliRun::run_to_end(&server.scenario(r#"subprotocol = ["v2.devices", "v1.devices"]"#));
    run.assert_passed();
    assert_eq!(run.summary().sockets.opened, SOCKETS);

    let run = CliRun::run_to_end(&server.scenario(r#"subprotocol = "mqtt""#));
    assert_eq!(run.code, Some(3), "{}", run.stdout);
    assert!(run.counted("connect.failed.subprotocol") >= SOCKETS);
}

#[test]
fn declined_compression_is_reported() {
    let server = ForeignServer::start(|request| match request.header("sec-websocket-extensions") {
        Some(offer) if offer.starts_with("permessage-deflate") => {
            request.serve_socket("", |_| true);
        }
        _ => request.answer("400 Bad Request", "", ""),
    });
    let run = CliRun::run_to_end(&server.scenario(r#"compression = "permessage-deflate""#));
    let summary = run.summary();
    // A remark, which changes no verdict. A worker that was late makes the run inconclusive.
    let code = if was_late(&summary) { 4 } else { 0 };
    assert_eq!(run.code, Some(code), "{}", run.stdout);
    assert_eq!(run.counted("sockets.compressed"), 0);
    let problem = "the target declined compression on 10 of 10 opened sockets";
    assert_problem(&summary, problem);
}

#[test]
fn message_above_the_limit_is_counted_as_the_limit_of_the_harness() {
    let server = ForeignServer::start(|request| {
        let sent = AtomicBool::new(false);
        request.serve_socket("", |socket| {
            sent.swap(true, Relaxed)
                || socket
                    .send(Message::text("x".repeat((1 << 20) + 1)))
                    .is_ok()
        });
    });
    let run = CliRun::run_to_end(&server.scenario(""));
    assert!(run.counted("disconnect.message_too_large") >= SOCKETS);
    assert_eq!(run.counted("disconnect.protocol"), 0);
    let summary = run.summary();
    let sentence = "because a message was larger than `max_message`: the pool home takes 1 MiB";
    assert_failure(&summary, "disconnect.message_too_large", sentence, &run);
    assert_eq!(summary.failures[0].origin, FailureOrigin::Harness);
    // A limit of the harness says nothing about the target.
    run.assert_inconclusive();
    assert_problem(&summary, "raise `max_message` of the pool in [[devices]]");

    let scenario = server.scenario("");
    let scenario = scenario.replace("count = 10", "count = 10\nmax_message = \"2MiB\"");
    let run = CliRun::run_to_end(&scenario);
    run.assert_passed();
    assert_eq!(run.summary().sockets.dropped, 0);
}

/// The ten devices would try again twenty times a second without the budget.
#[test]
fn attempts_after_a_failed_one_keep_to_the_budget_of_their_pool() {
    let server = ForeignServer::start(|request| request.answer("503 Busy", "", "busy"));
    let pauses = r#"max = "500ms""#;
    let text = server.scenario("");
    assert!(text.contains(pauses));
    let budget = format!(r#"{pauses}, jitter = "none", budget = "4/s""#);
    let run = CliRun::run_to_end(&text.replace(pauses, &budget));
    let failed = run.counted("connect.failed.status_503");
    // The ramp and the drain have some seconds as well.
    let most = 10.0 + 4.0 * (run.summary().duration_s + 4.0);
    assert!((11.0..=most).contains(&(failed as f64)), "{failed}");
    assert!(run.counted("retries.postponed") > 0);
}
