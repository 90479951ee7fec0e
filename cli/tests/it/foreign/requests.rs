//! Commands to servers that are not ours.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use highwater_reports::summary::Verdict;

use super::{failures::assert_failure, server::ForeignServer};
use crate::harness::{
    CliRun,
    checks::{assert_commands_add_up, assert_problem, commands},
};

#[test]
fn statuses_mean_what_they_say_in_the_plain_dialect() {
    let server = ForeignServer::with_sockets(|request| {
        let status = ["404 Not Found", "504 Late"][usize::from(request.line.contains("home-1/"))];
        request.answer(status, "", "no such page");
    });
    let run = CliRun::run_to_end(&server.scenario(&server.commands("")));
    let summary = run.summary();
    let commands = commands(&summary);
    assert_commands_add_up(commands);
    assert_eq!((commands.not_connected, commands.timed_out), (0, 0));
    assert_eq!(commands.failed, commands.issued);
    assert!(run.counted("commands.failed.status_404") > 0);
    let sentence = r#"commands were answered with 404 Not Found: "no such page""#;
    assert_failure(&summary, "commands.failed.status_404", sentence, &run);
    // No command got a reply, which no gate has to say.
    assert_eq!(run.code, Some(3), "{}", run.stdout);
}

#[test]
fn redirects_of_commands_are_not_followed() {
    let strays = Arc::new(AtomicU64::new(0));
    let counted = strays.clone();
    let server = ForeignServer::with_sockets(move |request| {
        if !request.line.starts_with("POST /devices/") {
            counted.fetch_add(1, Relaxed);
        }
        request.answer("302 Found", "Location: /login\r\n", "");
    });
    let run = CliRun::run_to_end(&server.scenario(&server.commands("")));
    let summary = run.summary();
    let commands = commands(&summary);
    assert_eq!(commands.replied, 0);
    assert_eq!(run.counted("commands.failed.status_302"), commands.issued);
    let sentence = "commands were redirected with 302 Found to \"/login\", which was not followed";
    assert_failure(&summary, "commands.failed.status_302", sentence, &run);
    assert_eq!(strays.load(Relaxed), 0);
}

#[test]
fn first_event_of_a_stream_is_the_reply_in_the_plain_dialect() {
    let server = ForeignServer::with_sockets(|request| {
        request.stream_events(": hello\n\ndata: OK\n\n");
    });
    let run = CliRun::run_to_end(&server.scenario(&server.commands(r#"reply = "sse""#)));
    run.assert_passed();
    let summary = run.summary();
    let commands = commands(&summary);
    assert!(commands.issued > 0);
    assert_eq!(commands.replied, commands.issued, "{commands:?}");
}

/// The server drops all sockets and hangs: no device is connected when commands are due.
#[test]
fn commands_without_a_device_are_not_the_harness_s_limit() {
    let first = std::sync::OnceLock::new();
    let server = ForeignServer::start(move |request| {
        let since: &Instant = first.get_or_init(Instant::now);
        let is_over = || since.elapsed() > Duration::from_secs(3);
        match request.is_upgrade() {
            true if is_over() => request.answer("503 Full", "", ""),
            true => request.serve_socket("", |_| !is_over()),
            false => request.answer("200 OK", "", "{}"),
        }
    });
    let run = CliRun::run_to_end(&server.scenario(&server.commands("")));
    let summary = run.summary();
    let commands = commands(&summary);
    assert_commands_add_up(commands);
    assert!(
        commands.no_device > 0 && commands.dropped == 0,
        "{commands:?}"
    );
    assert_problem(&summary, " were not sent, because no device was connected");
    assert_eq!(summary.verdict, Verdict::Failed, "{:?}", summary.problems);
}
