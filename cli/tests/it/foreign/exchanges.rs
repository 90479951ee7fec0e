//! Messages of devices to servers that are not ours, and their answers.

use std::{
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use highwater_reports::summary::{ExchangeSummary, Summary};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, WebSocket};

use super::server::{ForeignServer, Request, take_a_moment};
use crate::harness::{
    CliRun, FinishedRun,
    checks::{assert_problem, was_late},
};

/// The messages that are due in each run: 20 a second for 3 s.
const DUE: u64 = 60;

/// The answer of a Phoenix-like server to one message.
enum Answer {
    Status(&'static str),
    Nothing,
    /// The server closes the socket in place of an answer.
    Close,
}

/// Starts a server that speaks like Phoenix: `[join, ref, topic, event, payload]`. `answer` is
/// called with the number of each message, from 1, over all sockets.
fn phoenix(answer: impl Fn(u64) -> Answer + Send + Sync + 'static) -> ForeignServer {
    let received = Arc::new(AtomicU64::new(0));
    ForeignServer::start(move |request| {
        each_text(request, |socket, text| {
            let mut frame: Value = serde_json::from_str(text).expect("JSON");
            match answer(received.fetch_add(1, Relaxed) + 1) {
                Answer::Status(status) => {
                    frame[3] = json!("phx_reply");
                    frame[4] = json!({"status": status, "response": {}});
                    socket.send(Message::text(frame.to_string())).is_ok()
                }
                Answer::Nothing => true,
                Answer::Close => false,
            }
        });
    })
}

/// Calls `handle` with each text that comes on a socket, until it returns `false`.
fn each_text(request: Request, mut handle: impl FnMut(&mut WebSocket<TcpStream>, &str) -> bool) {
    let mut socket = request.open_socket("");
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => {
                if !handle(&mut socket, &text) {
                    break;
                }
            }
            Ok(Message::Close(_)) | Err(_) => break,
            Ok(_) => {}
        }
    }
    let _ = socket.flush();
}

/// Returns the part of a scenario with messages in the form of Phoenix.
fn shouts(more: &str) -> String {
    format!(
        r#"[[messages]]
        name = "shout"
        rate = "20/s"
        send = '["1","{{ref}}","room:1","shout",{{"n":"{{nonce}}"}}]'
        expect = {{ json = {{ "1" = "{{ref}}", "4.status" = "ok" }} }}
        {more}"#
    )
}

fn exchanges(summary: &Summary) -> &ExchangeSummary {
    let exchanges = summary.exchanges.as_ref();
    exchanges.expect("the scenario has messages")
}

/// Asserts that each message has one outcome. Returns whether the harness was late, so that
/// its own limits may be among them.
fn assert_add_up(run: &FinishedRun) -> bool {
    let summary = run.summary();
    let found = exchanges(&summary);
    assert_eq!(
        found.due,
        found.sent + found.dropped + found.no_device,
        "{found:?}"
    );
    let outcomes = found.answered + found.rejected + found.timed_out + found.lost + found.one_way;
    assert_eq!(found.sent, outcomes, "{found:?}");
    assert_eq!(run.counted("exchanges.lost"), found.lost, "no worker died");
    was_late(&summary)
}

/// Asserts that each answer has a response time and a service time. Times are those of the
/// steady phase, and the last answer may come in the drain.
fn assert_timed(found: &ExchangeSummary) {
    let (responses, services) = (found.response_ms.count, found.service_ms.count);
    assert_eq!(responses, services, "{found:?}");
    let timed = found.answered - 1..=found.answered;
    assert!(timed.contains(&responses), "{found:?}");
}

#[test]
fn answers_find_their_messages_by_number_whatever_the_workers() {
    for workers in ["1", "2", "3"] {
        let server = phoenix(|_| Answer::Status("ok"));
        let scenario = server.scenario(&shouts(""));
        let run = CliRun::start_with(&scenario, &["--workers", workers]).finish();
        run.assert_passed();
        assert_add_up(&run);
        let summary = run.summary();
        let found = exchanges(&summary);
        assert_eq!((found.due, found.answered), (DUE, DUE), "{found:?}");
        assert_timed(found);
    }
}

#[test]
fn unanswered_messages_time_out_exactly() {
    let server = phoenix(|number| match number % 3 {
        0 => Answer::Nothing,
        _ => Answer::Status("ok"),
    });
    let run = CliRun::run_to_end(&server.scenario(&shouts("timeout = \"700ms\"")));
    let late = assert_add_up(&run);
    let summary = run.summary();
    let found = exchanges(&summary);
    assert_eq!(found.sent, DUE, "{found:?}");
    if !late {
        assert_eq!((found.answered, found.timed_out), (DUE / 3 * 2, DUE / 3));
    }
}

#[test]
fn rejected_messages_are_told_from_answered_ones() {
    let server = phoenix(|number| match number % 3 {
        0 => Answer::Status("error"),
        _ => Answer::Status("ok"),
    });
    let reject = r#"reject = { json = { "1" = "{ref}", "4.status" = "error" } }"#;
    let run = CliRun::run_to_end(&server.scenario(&shouts(reject)));
    assert_add_up(&run);
    let summary = run.summary();
    let found = exchanges(&summary);
    assert_eq!((found.answered, found.rejected), (DUE / 3 * 2, DUE / 3));
    assert_timed(found);
}

#[test]
fn messages_of_a_closed_socket_are_lost() {
    let server = phoenix(|number| match number % 10 {
        0 => Answer::Close,
        _ => Answer::Status("ok"),
    });
    let run = CliRun::run_to_end(&server.scenario(&shouts("")));
    let late = assert_add_up(&run);
    let summary = run.summary();
    let found = exchanges(&summary);
    // Each socket that closes takes the message that closed it along.
    assert!(found.lost >= DUE / 10 - 1, "{found:?}");
    assert!(late || found.timed_out == 0, "{found:?}");
    assert!(run.counted("disconnect.reset") >= DUE / 10 - 1);
}

#[test]
fn silent_server_fails_the_run() {
    let server = phoenix(|_| Answer::Nothing);
    let run = CliRun::run_to_end(&server.scenario(&shouts("timeout = \"500ms\"")));
    assert_add_up(&run);
    assert_eq!(run.code, Some(3), "{}", run.stdout);
    assert_problem(
        &run.summary(),
        "none of 60 messages of devices was answered",
    );
}

/// The answers carry no number, so that a socket has one message in flight.
#[test]
fn answers_without_a_number_come_one_at_a_time() {
    let together = Arc::new(AtomicU64::new(0));
    let counted = together.clone();
    let server = ForeignServer::start(move |request| {
        each_text(request, |socket, _| {
            take_a_moment();
            counted.fetch_add(u64::from(has_more(socket)), Relaxed);
            socket.send(Message::text("news: none")).is_ok()
        });
    });
    let run = CliRun::run_to_end(&server.scenario(
        r#"[[messages]]
        users = 5
        think = "20ms"
        send = "poll"
        expect = { prefix = "news" }
        # Without this load, nobody would send on the same sockets.
        [[messages]]
        rate = "5/s"
        send = { hex = "c0 00" }"#,
    ));
    run.assert_passed();
    assert_add_up(&run);
    let summary = run.summary();
    let found = exchanges(&summary);
    assert_eq!(found.one_way, 15, "{found:?}");
    assert!(found.answered >= 60 && found.timed_out == 0, "{found:?}");
    assert_eq!(together.load(Relaxed), 0, "a second text before the answer");
}

/// Whether a further text has come. Frames of one byte of length are short: pings and binary
/// frames have other first bytes.
fn has_more(socket: &WebSocket<TcpStream>) -> bool {
    const FINAL_TEXT: u8 = 0x81;
    let stream = socket.get_ref();
    let mut first = [0];
    stream.set_nonblocking(true).expect("a socket");
    let peeked = stream.peek(&mut first);
    stream.set_nonblocking(false).expect("a socket");
    peeked.is_ok_and(|length| length == 1) && first[0] == FINAL_TEXT
}
