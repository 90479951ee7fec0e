//! Every preset against a server that a test scripts: `highwater try` opens one socket, sees
//! every expected frame, and ends with 0.
//!
//! The frames of the server are those of the protocols' own documents. Servers that are real
//! are in [`example_targets`](crate::example_targets).

use std::{fs, process::Output, thread, time::Duration};

use tempfile::TempDir;
use tokio_tungstenite::tungstenite::{Message, WebSocket};

use crate::{foreign::server::ForeignServer, harness::highwater};

/// A frame of the client, and the frames that answer it. `*` stands for the frame that the
/// server sends by itself.
type Script = &'static [(&'static str, &'static [&'static str])];

/// A preset, its parameters, the subprotocol that the server chooses, and its frames.
struct Case {
    preset: &'static str,
    subprotocol: &'static str,
    /// The start of the request's line: the path that the preset adds.
    request: &'static str,
    script: Script,
    /// Texts that the log must have.
    log: &'static [&'static str],
}

const CASES: [Case; 7] = [
    Case {
        preset: r#""socket.io""#,
        subprotocol: "",
        request: "GET /socket.io/?EIO=4&transport=websocket ",
        script: &[
            (
                "*",
                &[r#"0{"sid":"a","upgrades":[],"pingTimeout":20000,"pingInterval":25000}"#],
            ),
            ("40", &[r#"40{"sid":"b"}"#, "2", r#"42["hello",1]"#]),
            ("3", &[]),
            ("41", &[]),
        ],
        log: &[
            "step 2 of `open`",
            "the server's heartbeat",
            "rule 1 of `answer`",
            "a counted message",
        ],
    },
    Case {
        preset: r#"{ name = "phoenix", topic = "room:1" }"#,
        subprotocol: "",
        request: "GET /socket/websocket?vsn=2.0.0 ",
        script: &[
            (
                r#"["1","1","room:1","phx_join",{}]"#,
                &[
                    r#"["1","1","room:1","phx_reply",{"status":"ok","response":{}}]"#,
                    r#"[null,null,"room:1","shout",{"n":1}]"#,
                ],
            ),
            (
                r#"[null,"2","phoenix","heartbeat",{}]"#,
                &[r#"[null,"2","phoenix","phx_reply",{"status":"ok","response":{}}]"#],
            ),
            (r#"["1","3","room:1","phx_leave",{}]"#, &[]),
        ],
        log: &[
            "step 1 of `open`",
            "the answer to the heartbeat",
            "a counted message",
        ],
    },
    Case {
        preset: r#"{ name = "stomp", destination = "/topic/a" }"#,
        subprotocol: "v12.stomp",
        request: "GET /ws ",
        script: &[
            (
                "CONNECT\naccept-version:1.0,1.1,1.2\nhost:/\nlogin:guest\npasscode:guest\n\
                 heart-beat:3000,3000\n\n\0",
                &["CONNECTED\nversion:1.2\nheart-beat:3000,3000\n\n\0"],
            ),
            (
                "SUBSCRIBE\nid:s0\ndestination:/topic/a\nack:auto\nreceipt:s0\n\n\0",
                &[
                    "RECEIPT\nreceipt-id:s0\n\n\0",
                    "\n",
                    "MESSAGE\nsubscription:s0\n\nhi\0",
                ],
            ),
            ("\n", &[]),
            (
                "DISCONNECT\nreceipt:disconnect\n\n\0",
                &["RECEIPT\nreceipt-id:disconnect\n\n\0"],
            ),
        ],
        log: &[
            "step 2 of `open`",
            "the server's heartbeat",
            "a counted message",
        ],
    },
    Case {
        preset: r#"{ name = "graphql-ws", query = "subscription { tick(a: \"b\") }" }"#,
        subprotocol: "graphql-transport-ws",
        request: "GET /graphql ",
        script: &[
            (
                r#"{"type":"connection_init","payload":{}}"#,
                &[r#"{"type":"connection_ack"}"#],
            ),
            (
                r#"{"id":"1","type":"subscribe","payload":{"query":"subscription { tick(a: \"b\") }"}}"#,
                &[
                    r#"{"id":"1","type":"next","payload":{"data":{"tick":1}}}"#,
                    r#"{"type":"ping"}"#,
                ],
            ),
            (r#"{"type":"ping"}"#, &[r#"{"type":"pong"}"#]),
            (r#"{"type":"pong"}"#, &[]),
        ],
        log: &[
            "step 1 of `open`",
            "the answer to the heartbeat",
            "a counted message",
            "rule 1 of `answer`",
        ],
    },
    Case {
        preset: r#""signalr""#,
        subprotocol: "",
        request: "GET /hub ",
        script: &[
            (
                "{\"protocol\":\"json\",\"version\":1}\u{1e}",
                &[
                    "{}\u{1e}{\"type\":6}\u{1e}",
                    "{\"type\":6}\u{1e}{\"type\":1,\"target\":\"a\",\"arguments\":[]}\u{1e}",
                ],
            ),
            ("{\"type\":6}\u{1e}", &[]),
            ("{\"type\":7}\u{1e}", &[]),
        ],
        log: &[
            "step 1 of `open`",
            "the server's heartbeat",
            "a counted message",
        ],
    },
    Case {
        preset: r#"{ name = "action-cable", identifier = '{"channel":"Room"}' }"#,
        subprotocol: "actioncable-v1-json",
        request: "GET /cable ",
        script: &[
            ("*", &[r#"{"type":"welcome"}"#]),
            (
                r#"{"command":"subscribe","identifier":"{\"channel\":\"Room\"}"}"#,
                &[
                    r#"{"identifier":"{\"channel\":\"Room\"}","type":"confirm_subscription"}"#,
                    r#"{"type":"ping","message":1700000000}"#,
                    r#"{"identifier":"{\"channel\":\"Room\"}","message":{"n":1}}"#,
                ],
            ),
        ],
        log: &[
            "step 2 of `open`",
            "the server's heartbeat",
            "a counted message",
        ],
    },
    Case {
        preset: r#"{ name = "centrifugo", channel = "news" }"#,
        subprotocol: "",
        request: "GET /connection/websocket ",
        script: &[
            (
                r#"{"id":1,"connect":{"token":""}}"#,
                &[r#"{"id":1,"connect":{"client":"a","version":"6.0.0","ping":25,"pong":true}}"#],
            ),
            (
                r#"{"id":2,"subscribe":{"channel":"news","token":""}}"#,
                &[
                    "{\"id\":2,\"subscribe\":{}}\n{}",
                    "{\"push\":{\"channel\":\"news\",\"pub\":{\"data\":{}}}}\n{}",
                ],
            ),
            ("{}", &[]),
        ],
        log: &[
            "step 2 of `open`",
            "the server's heartbeat",
            "a counted message",
        ],
    },
];

/// Answers each frame as the script says. A frame that is not in it closes the socket.
fn serve(socket: &mut WebSocket<std::net::TcpStream>, script: Script) {
    let answers = |frame: &str| {
        let entry = script.iter().find(|(known, _)| *known == frame)?;
        Some(entry.1)
    };
    let send = |socket: &mut WebSocket<_>, frames: &[&str]| {
        frames
            .iter()
            .all(|frame| socket.send(Message::text(*frame)).is_ok())
    };
    let mut is_open = send(socket, answers("*").unwrap_or_default());
    while is_open {
        is_open = match socket.read() {
            Ok(Message::Text(text)) => match answers(&text) {
                Some(frames) => send(socket, frames),
                None => {
                    let _ = socket.close(None);
                    false
                }
            },
            Ok(Message::Close(_)) | Err(_) => false,
            Ok(_) => true,
        };
    }
    let _ = socket.flush();
}

fn try_out(case: &'static Case) -> Output {
    let server = ForeignServer::start(move |request| {
        assert!(request.line.starts_with(case.request), "{}", request.line);
        let line = match case.subprotocol {
            "" => String::new(),
            name => format!("Sec-WebSocket-Protocol: {name}\r\n"),
        };
        serve(&mut request.open_socket(&line), case.script);
    });
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("scenario.toml");
    let (address, preset) = (server.address, case.preset);
    let scenario = format!(
        "name = \"a\"\nduration = \"1s\"\n[target]\nws = \"ws://{address}\"\npreset = {preset}\n\
         [[devices]]\ncount = 1\nramp = \"1/s\"\nheartbeat = \"3s\"\n"
    );
    fs::write(&file, scenario).unwrap();
    highwater(&["try", "--for", "1s"])
        .arg(&file)
        .output()
        .unwrap()
}

#[test]
fn preset_speaks_its_protocol() {
    // Each takes a second, in which nothing is computed.
    let tries: Vec<_> = CASES
        .iter()
        .map(|case| (case, thread::spawn(move || try_out(case))))
        .collect();
    for (case, output) in tries {
        let output = output.join().unwrap();
        let log = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}:\n{log}{errors}",
            case.preset
        );
        for text in case.log {
            assert!(log.contains(text), "{}: {text}\n{log}", case.preset);
        }
        assert!(
            !log.contains("no rule is for it"),
            "{}:\n{log}",
            case.preset
        );
    }
}

/// A server that never greets: the step of `open` is named.
#[test]
fn silent_server_is_refused_with_the_step_that_did_not_come() {
    let server = ForeignServer::with_sockets(|request| request.answer("404 Not Found", "", ""));
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("scenario.toml");
    let address = server.address;
    let scenario = format!(
        "name = \"a\"\nduration = \"1s\"\n[target]\nws = \"ws://{address}\"\n\
         [[devices]]\ncount = 1\nramp = \"1/s\"\n\
         open = [{{ send = \"hi\", expect = {{ text = \"hello\" }}, within = \"200ms\" }}]\n"
    );
    fs::write(&file, scenario).unwrap();
    let started = std::time::Instant::now();
    let output = highwater(&["try"]).arg(&file).output().unwrap();
    let log = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(5), "{log}");
    assert!(log.contains("not opened: connect.failed.open_1"), "{log}");
    // It does not wait for the end of its thirty seconds.
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn scenario_of_init_is_checked_and_expanded() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("ours.toml");
    let init = |arguments: &[&str]| {
        let mut command = highwater(&["init"]);
        command
            .args(arguments)
            .arg("--output")
            .arg(&file)
            .output()
            .unwrap()
    };
    let arguments = ["--preset", "mqtt", "--ws", "wss://broker.example"];
    assert!(init(&arguments).status.success());
    let again = init(&arguments);
    assert_eq!(again.status.code(), Some(2), "a file is never replaced");
    let check = |more: &[&str]| {
        let output = highwater(&["check"])
            .arg(&file)
            .args(more)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(check(&[]).contains("preset mqtt"));
    let expanded = check(&["--expanded", "--set", "target.preset.topic=a/b"]);
    for line in [
        r#"ws = "wss://broker.example/mqtt""#,
        r#"subprotocol = ["mqtt"]"#,
        r#"{ send = { mqtt = "subscribe", topic = "a/b" }, expect = { mqtt = "suback" } },"#,
    ] {
        assert!(expanded.contains(line), "{line}:\n{expanded}");
    }
    let wrong = highwater(&["init", "--ws", "http://a"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}
