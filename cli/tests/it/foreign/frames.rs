//! Servers with protocols of their own, which a scenario declares as frames.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{
    conversation::{Conversation, Received},
    server::ForeignServer,
};
use crate::harness::{
    CliRun, FinishedRun,
    checks::{assert_heartbeats_add_up, was_late},
};

/// Opens a socket with a hello, and sends heartbeats in JSON.
const JSON_PROTOCOL: &str = r#"
    open = [{ send = '{"type":"hello","device":"{device}","number":{n},"token":"${FRAMES_TOKEN}"}',
              expect = { json = { type = "ready" } }, take = { session = "json:/session" } }]
    heartbeat = { every = "500ms", send = '{"type":"ping","id":{ref},"session":"{session}"}',
                  expect = { json = { type = "pong", id = "{ref}" } } }
"#;

/// Counts of a server.
#[derive(Default)]
struct ServerCounts {
    ready: AtomicU64,
    pings: AtomicU64,
    other: AtomicU64,
}

/// Returns a scenario with one pool of `count` sockets that never reconnect.
fn scenario(server: &ForeignServer, count: u64, frames: &str) -> String {
    let address = server.address;
    format!(
        r#"
        name = "frames"
        duration = "4s"
        [target]
        ws = "ws://{address}/ws"
        [[devices]]
        name = "home"
        count = {count}
        ramp = "500/s"
        reconnect = {{ first = "1h", max = "1h", jitter = "none" }}
        {frames}
        "#
    )
}

fn run(scenario: &str) -> FinishedRun {
    CliRun::launch("run", scenario, |command| {
        command.env("FRAMES_TOKEN", "t\"0k")
    })
    .finish()
}

/// Serves the JSON protocol on one socket: greets a device with the right token, then gives
/// each ping to `on_ping` with its number on this socket, from 1.
fn serve_json(
    conversation: &mut Conversation,
    counts: &ServerCounts,
    on_ping: impl Fn(u64) -> PingAnswer,
) -> Option<u16> {
    let hello: Value = serde_json::from_str(&conversation.next()?).ok()?;
    let session = format!("s-{}", hello["device"].as_str()?);
    if hello["token"] != "t\"0k" {
        return Some(4401);
    }
    conversation.send(json!({ "type": "ready", "session": session }).to_string());
    counts.ready.fetch_add(1, Relaxed);
    let mut pings = 0;
    while let Some(text) = conversation.next() {
        let ping: Value = serde_json::from_str(&text).ok()?;
        if ping["type"] != "ping" || ping["session"] != session.as_str() {
            counts.other.fetch_add(1, Relaxed);
            continue;
        }
        pings += 1;
        counts.pings.fetch_add(1, Relaxed);
        match on_ping(pings) {
            PingAnswer::Pong => {
                conversation.send(json!({ "type": "pong", "id": ping["id"] }).to_string());
            }
            PingAnswer::Nothing => {}
            PingAnswer::Close(code) => return Some(code),
        }
    }
    None
}

/// The way in which a server answers a ping.
enum PingAnswer {
    Pong,
    Nothing,
    Close(u16),
}

/// Starts a server of the JSON protocol.
fn json_server(
    on_ping: impl Fn(u64) -> PingAnswer + Send + Sync + 'static,
) -> (ForeignServer, Arc<ServerCounts>) {
    let counts = Arc::new(ServerCounts::default());
    let counted = counts.clone();
    let server = ForeignServer::start(move |request| {
        let mut conversation = Conversation::open(request);
        if let Some(code) = serve_json(&mut conversation, &counted, &on_ping) {
            conversation.close(code);
        }
    });
    (server, counts)
}

#[test]
fn json_heartbeats_are_acknowledged_by_their_pongs() {
    let (server, counts) = json_server(|_| PingAnswer::Pong);
    let run = run(&scenario(&server, 200, JSON_PROTOCOL));
    run.assert_passed();
    let summary = run.summary();
    assert_eq!(counts.ready.load(Relaxed), 200);
    assert_eq!(counts.other.load(Relaxed), 0);
    assert_eq!(summary.sockets.opened, 200);
    assert_eq!(summary.sockets.connect_open_ms.count, 200);
    let heartbeats = &summary.heartbeats;
    assert_heartbeats_add_up(heartbeats, 200);
    assert_eq!(counts.pings.load(Relaxed), heartbeats.sent);
    if !was_late(&summary) {
        assert_eq!(heartbeats.missed, 0, "{heartbeats:?}");
    }
    assert!(heartbeats.acknowledged > 1_000, "{heartbeats:?}");
    let frames = summary.frames.expect("the pool declares frames");
    assert_eq!((frames.unmatched, frames.received), (0, None));
    // The token stays out of the record.
    assert!(!run.file("manifest.json").contains("t\\\"0k"));
}

#[test]
fn heartbeats_that_get_no_pong_are_missed() {
    let (server, _) = json_server(|ping| match ping {
        1 | 2 => PingAnswer::Pong,
        _ => PingAnswer::Nothing,
    });
    let run = run(&scenario(&server, 20, JSON_PROTOCOL));
    let heartbeats = run.summary().heartbeats;
    assert_eq!(heartbeats.acknowledged, 2 * 20, "{heartbeats:?}");
    // The default of `max_missed` is two.
    assert_eq!(heartbeats.missed, 2 * 20, "{heartbeats:?}");
    assert_eq!(run.counted("disconnect.gave_up"), 20);
}

#[test]
fn close_code_of_the_server_is_counted() {
    let (server, _) = json_server(|ping| match ping {
        1 | 2 => PingAnswer::Pong,
        _ => PingAnswer::Close(4008),
    });
    let run = run(&scenario(&server, 20, JSON_PROTOCOL));
    assert_eq!(run.counted("disconnect.closed_4008"), 20);
    assert_eq!(run.counted("heartbeats.acknowledged"), 2 * 20);
}

#[test]
fn refused_tokens_are_counted_with_their_close_code() {
    let server = ForeignServer::start(|request| {
        let mut conversation = Conversation::open(request);
        let hello = conversation.next().unwrap_or_default();
        let hello: Value = serde_json::from_str(&hello).unwrap_or_default();
        if hello["number"]
            .as_u64()
            .is_none_or(|number| number % 3 == 2)
        {
            return conversation.close(4401);
        }
        conversation.send(r#"{"type":"ready","session":"s"}"#);
        while conversation.next().is_some() {}
    });
    let run = run(&scenario(&server, 30, JSON_PROTOCOL));
    assert_eq!(run.counted("connect.failed.open_closed_4401"), 10);
    let sockets = run.summary().sockets;
    assert_eq!((sockets.opened, sockets.failed), (20, 10));
}

#[test]
fn step_without_its_frame_fails_with_its_number() {
    let server = ForeignServer::start(|request| {
        let mut conversation = Conversation::open(request);
        // The first step gets its frame, the second one another.
        if conversation.next().is_some() {
            conversation.send("0 hello");
        }
        while conversation.next().is_some() {
            conversation.send("1 wait");
        }
    });
    let run = run(&scenario(
        &server,
        5,
        r#"open = [{ send = "hello", expect = { prefix = "0" } },
                   { send = "join", expect = { regex = "^[2-9]" }, within = "300ms" }]"#,
    ));
    assert_eq!(run.code, Some(3), "{}", run.stdout);
    assert_eq!(run.counted("connect.failed.open_2"), 5);
    let failure = &run.summary().target_failures[0];
    assert!(failure.contains("(open_2)"), "{failure}");
}

/// The server sends the pings, as Socket.IO's does.
#[test]
fn pings_of_the_server_are_watched_and_answered() {
    const SOCKETS: u64 = 10;
    let (pongs, goodbyes) = <(Arc<AtomicU64>, Arc<AtomicU64>)>::default();
    let counted = (pongs.clone(), goodbyes.clone());
    let server = ForeignServer::start(move |request| {
        let (pongs, goodbyes) = &counted;
        let mut conversation = Conversation::open(request);
        conversation.send(r#"0{"sid":"a-1","pingInterval":300}"#);
        if conversation.next().as_deref() != Some("40") {
            return;
        }
        conversation.send(r#"40{"sid":"b-2"}"#);
        loop {
            match conversation.next_within(Duration::from_millis(300)) {
                Received::Nothing => conversation.send("2"),
                Received::Text(text) if text == "3" => {
                    pongs.fetch_add(1, Relaxed);
                }
                Received::Text(text) => {
                    assert_eq!(text, "41a-1");
                    goodbyes.fetch_add(1, Relaxed);
                }
                Received::End => break,
            }
        }
    });
    let run = run(&scenario(
        &server,
        SOCKETS,
        r#"open = [{ expect = { prefix = "0" }, take = { sid = "json:sid" } },
                   { send = "40", expect = { prefix = "40" } }]
           answer = [{ to = { text = "2" }, send = "3" }]
           heartbeat = { every = "3s", watch = { text = "2" } }
           close = ["41{sid}"]"#,
    ));
    run.assert_passed();
    let summary = run.summary();
    let frames = summary.frames.expect("the pool declares frames");
    assert_eq!(frames.answered, pongs.load(Relaxed));
    assert!(frames.answered >= SOCKETS * 5, "{frames:?}");
    let heartbeats = &summary.heartbeats;
    assert_eq!(
        (heartbeats.sent, heartbeats.missed),
        (0, 0),
        "{heartbeats:?}"
    );
    assert_eq!(heartbeats.acknowledged, frames.answered, "{heartbeats:?}");
    assert_eq!(heartbeats.response_ms.count, 0);
    assert_eq!(goodbyes.load(Relaxed), SOCKETS);
}

/// A silent server: the second period without its ping closes the socket.
#[test]
fn pings_of_the_server_that_do_not_come_are_missed() {
    let server = ForeignServer::start(|request| {
        let mut conversation = Conversation::open(request);
        conversation.send("2");
        while conversation.next().is_some() {}
    });
    let run = run(&scenario(
        &server,
        10,
        r#"heartbeat = { every = "700ms", watch = { text = "2" } }"#,
    ));
    let heartbeats = run.summary().heartbeats;
    assert_eq!(
        (heartbeats.acknowledged, heartbeats.missed),
        (10, 20),
        "{heartbeats:?}"
    );
    assert_eq!(run.counted("disconnect.gave_up"), 10);
}

/// Several messages in one frame, as SignalR sends them.
#[test]
fn messages_behind_separators_are_counted_one_by_one() {
    let server = ForeignServer::start(|request| {
        let mut conversation = Conversation::open(request);
        while conversation.next().is_some() {
            conversation.send("{\"type\":6}\u{1e}{\"type\":1}\u{1e}{\"type\":1}\u{1e}");
        }
    });
    let run = run(&scenario(
        &server,
        10,
        r#"separator = "\u001e"
           heartbeat = { every = "500ms", send = "{\"type\":6}\u001e",
                         expect = { json = { type = 6 } } }
           count_messages = { json = { type = 1 } }"#,
    ));
    run.assert_passed();
    let summary = run.summary();
    let frames = summary.frames.expect("the pool declares frames");
    let heartbeats = &summary.heartbeats;
    assert!(heartbeats.acknowledged >= 10 * 5, "{heartbeats:?}");
    assert_eq!(frames.received, Some(2 * heartbeats.acknowledged));
    assert_eq!(frames.unmatched, 0);
    let gap = frames.gap_ms.expect("messages are counted");
    assert!(
        gap.count > 0 && gap.max.is_some_and(|max| max >= 400.0),
        "{gap:?}"
    );
}

#[test]
fn heartbeats_without_an_answer_are_sent_alone() {
    let pings = Arc::new(AtomicU64::new(0));
    let counted = pings.clone();
    let server = ForeignServer::start(move |request| {
        let mut socket = request.open_socket("");
        loop {
            match socket.read() {
                Ok(Message::Binary(bytes)) => {
                    assert_eq!(bytes.as_ref(), b"\xc0\x00");
                    counted.fetch_add(1, Relaxed);
                }
                Ok(Message::Close(_)) | Err(_) => break,
                Ok(_) => {}
            }
        }
        let _ = socket.flush();
    });
    let run = run(&scenario(
        &server,
        10,
        r#"heartbeat = { every = "500ms", send = { hex = "c0 00" } }"#,
    ));
    run.assert_passed();
    let heartbeats = run.summary().heartbeats;
    assert_eq!(heartbeats.one_way, heartbeats.sent, "{heartbeats:?}");
    assert_eq!(heartbeats.sent, pings.load(Relaxed));
    assert_eq!((heartbeats.acknowledged, heartbeats.missed), (0, 0));
}

/// A hostile server asks far more often than a socket answers.
#[test]
fn answers_are_limited_in_rate() {
    const QUESTIONS: u64 = 1_000;
    let answers = Arc::new(AtomicU64::new(0));
    let counted = answers.clone();
    let server = ForeignServer::start(move |request| {
        let mut conversation = Conversation::open(request);
        for _ in 0..QUESTIONS {
            conversation.send("?");
        }
        while conversation.next().is_some() {
            counted.fetch_add(1, Relaxed);
        }
    });
    let run = run(&scenario(
        &server,
        2,
        r#"heartbeat = "1h"
           answer = [{ to = { text = "?" }, send = "{n}" }]"#,
    ));
    let frames = run.summary().frames.expect("the pool declares frames");
    assert_eq!(frames.answered, answers.load(Relaxed));
    assert_eq!(frames.answered + frames.unanswered, 2 * QUESTIONS);
    assert!(frames.unanswered > 0, "{frames:?}");
}

#[test]
fn unset_variable_ends_the_run_before_it_begins() {
    let server = ForeignServer::start(|_| {});
    let run = run(&scenario(&server, 1, r#"close = ["${FRAMES_UNSET}"]"#));
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    let expected = "the variable FRAMES_UNSET is not set";
    assert!(run.stderr.contains(expected), "{}", run.stderr);
}
