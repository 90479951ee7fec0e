//! Commands whose replies come as frames on the sockets of their devices.

use std::{
    collections::HashMap,
    io::ErrorKind,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{Sender, channel},
    },
    time::Duration,
};

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::server::{ForeignServer, Request, take_a_moment};
use crate::harness::{
    CliRun,
    checks::{assert_commands_add_up, commands, was_late},
};

/// The inboxes of connected devices.
type Inboxes = Arc<Mutex<HashMap<String, Sender<String>>>>;

/// Starts a server that hands each `PUT /inbox/DEVICE` to the socket of its device, which
/// answers with a frame. `answers` is called with the number of each command, from 1.
fn inbox_server(answers: impl Fn(u64) -> bool + Send + Sync + 'static) -> ForeignServer {
    let inboxes = Inboxes::default();
    let received = AtomicU64::new(0);
    ForeignServer::start(move |request| match request.is_upgrade() {
        true => serve_device(request, &inboxes),
        false => {
            let number = received.fetch_add(1, Relaxed) + 1;
            take_command(request, number, answers(number), &inboxes);
        }
    })
}

fn serve_device(request: Request, inboxes: &Inboxes) {
    let device = request.line.split(['=', ' ']).nth(2).unwrap_or_default();
    let (sender, inbox) = channel();
    inboxes.lock().insert(device.to_owned(), sender);
    let mut socket = request.open_socket("");
    let timeout = Some(Duration::from_millis(5));
    socket.get_ref().set_read_timeout(timeout).unwrap();
    loop {
        for frame in inbox.try_iter() {
            if socket.send(Message::text(frame)).is_err() {
                return;
            }
        }
        match socket.read() {
            Err(Error::Io(error))
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Ok(Message::Close(_)) | Err(_) => break,
            Ok(_) => {}
        }
    }
    let _ = socket.flush();
}

fn take_command(mut request: Request, number: u64, is_answered: bool, inboxes: &Inboxes) {
    let body = request.read_body();
    let body: Value = serde_json::from_str(&body).expect("the scenario's own JSON");
    let device = body["to"].as_str().expect("a device").to_owned();
    let is_right = request.line.starts_with(&format!("PUT /inbox/{device} "))
        && request.header("content-type") == Some("application/vnd.test+json")
        && request.header("x-device") == Some(&device);
    if !is_right {
        return request.answer("400 Bad Request", "", "");
    }
    let answer = || {
        let inboxes = inboxes.lock();
        let frame = json!({"type": "done", "id": body["text"]}).to_string();
        inboxes[&device]
            .send(frame)
            .expect("the device is connected");
    };
    // Every second reply comes before the response.
    let is_early = number.is_multiple_of(2);
    if is_answered && is_early {
        answer();
        take_a_moment();
    }
    request.answer("202 Accepted", "", "");
    if is_answered && !is_early {
        answer();
    }
}

const COMMANDS: &str = r#"
            method = "PUT"
            path = "/inbox/{device}"
            headers = { "Content-Type" = "application/vnd.test+json", X-Device = "{device}" }
            body = '{"to":"{device}","text":"{nonce}"}'
            expect = 202
            reply = { frame = { json = { id = "{nonce}", type = "done" } } }"#;

#[test]
fn replies_come_on_the_sockets_of_the_devices() {
    let server = inbox_server(|_| true);
    let run = CliRun::run_to_end(&server.scenario(&server.commands(COMMANDS)));
    run.assert_passed();
    let summary = run.summary();
    let commands = commands(&summary);
    assert_commands_add_up(commands);
    assert_eq!((commands.due, commands.replied), (60, 60), "{commands:?}");
    // Half of the responses came 30 ms after the reply.
    assert!(commands.service_ms.max.unwrap() >= 30.0, "{commands:?}");
}

#[test]
fn missing_replies_time_out_exactly() {
    let server = inbox_server(|number| !number.is_multiple_of(3));
    let commands_text = server.commands(&format!("{COMMANDS}\ntimeout = \"700ms\""));
    let run = CliRun::run_to_end(&server.scenario(&commands_text));
    let summary = run.summary();
    let commands = commands(&summary);
    assert_commands_add_up(commands);
    if !was_late(&summary) {
        assert_eq!(
            (commands.replied, commands.timed_out),
            (40, 20),
            "{commands:?}"
        );
    }
}

#[test]
fn unexpected_statuses_and_bodies_fail_whatever_the_socket_brings() {
    let server = ForeignServer::with_sockets(|request| {
        let is_first = request.line.contains("home-1/");
        let (status, body) = match is_first {
            true => ("201 Created", "{\"state\":\"ok\"}"),
            false => ("200 OK", "{\"state\":\"busy\"}"),
        };
        request.answer(status, "", body);
    });
    let more =
        "path = \"/x/{device}/y\"\nexpect = [200]\nexpect_body = { json = { state = \"ok\" } }";
    let run = CliRun::run_to_end(&server.scenario(&server.commands(more)));
    let summary = run.summary();
    let commands = commands(&summary);
    assert_commands_add_up(commands);
    assert_eq!(commands.failed, commands.issued, "{commands:?}");
    let (status, body) = (
        run.counted("commands.failed.status_201"),
        run.counted("commands.failed.wrong_reply"),
    );
    assert!(status > 0 && body > 0, "{status} {body}");
    assert_eq!(status + body, commands.issued);
}
