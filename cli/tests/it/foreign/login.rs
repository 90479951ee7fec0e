//! Logins, values of data files, and where both go.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc,
    },
};

use parking_lot::Mutex;
use tempfile::TempDir;

use super::server::{ForeignServer, Request};
use crate::harness::{CliRun, FinishedRun, highwater};

/// The devices of most scenarios here.
const DEVICES: u64 = 200;

/// A secret of a data file, a prefix of every password.
const PASSWORD: &str = "p4ssw0rd";
/// The beginning of every session that a server gives.
const SESSION: &str = "s3ss10n";

/// Returns a scenario whose pool has more keys; `target` follows those of `[target]`.
fn scenario(server: &ForeignServer, devices: u64, pool: &str, target: &str) -> String {
    let address = server.address;
    format!(
        r#"
        name = "login"
        duration = "2s"
        [target]
        ws = "ws://{address}/ws"
        dialect = "plain"
        {target}
        [[devices]]
        name = "phone"
        count = {devices}
        ramp = "500/s"
        heartbeat = "500ms"
        reconnect = {{ first = "100ms", max = "100ms" }}
        {pool}
        "#
    )
}

fn login(server: &ForeignServer, more: &str) -> String {
    format!(
        r#"login = {{ post = "http://{}/login", {more} }}"#,
        server.address
    )
}

/// Returns the number behind the last `-` of a text.
fn number(text: &str) -> Option<u64> {
    text.rsplit('-').next()?.parse().ok()
}

/// Answers a login with a session of its own.
fn give_session(request: Request, number: u64) {
    let cookie = format!("Set-Cookie: session={SESSION}-{number}; Path=/; HttpOnly\r\n");
    request.answer("302 Found", &format!("Location: /home\r\n{cookie}"), "");
}

/// Returns the number of the session that a request carries.
fn session(request: &Request) -> Option<u64> {
    let cookie = request.header("cookie")?;
    cookie.strip_prefix("session=")?.strip_prefix(SESSION)?;
    number(cookie)
}

/// Returns the paths of all files below a directory that contain a text.
fn files_with(text: &str, directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(text, &path));
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let mut places = bytes.windows(text.len());
        if places.any(|place| place == text.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
    found
}

fn assert_no_secret(run: &FinishedRun, secrets: &[&str]) {
    for secret in secrets {
        assert_eq!(files_with(secret, &run.record), [""; 0], "{secret}");
        assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret));
    }
}

/// Every device logs in with its own row, gets a cookie, and opens its socket with it.
#[test]
fn each_device_logs_in_with_its_row_and_opens_with_its_cookie() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("users.csv");
    let mut csv = "user,pass\n".to_owned();
    for row in 0..DEVICES {
        csv += &format!("user-{row},\"{PASSWORD}, \"\"{row}\"\"\"\n");
    }
    fs::write(&data, csv).unwrap();
    let opened = Arc::new(AtomicU64::new(0));
    let users = Arc::new(Mutex::new(BTreeSet::new()));
    let (sockets, logged_in) = (opened.clone(), users.clone());
    let server = ForeignServer::start(move |mut request| {
        if request.is_upgrade() {
            // The session, the device and the row are those of one device.
            let device = request.header("x-device").and_then(number);
            let is_right = device.is_some()
                && session(&request) == device
                && request.line == format!("GET /ws?user=user-{} HTTP/1.1", device.unwrap());
            if !is_right {
                return request.answer("401 Unauthorized", "", "");
            }
            sockets.fetch_add(1, Relaxed);
            return request.serve_socket("", |_| true);
        }
        let body: serde_json::Value = serde_json::from_str(&request.read_body()).unwrap();
        let row = number(body["device"].as_str().unwrap()).unwrap();
        let expected = serde_json::json!({
            "device": format!("phone-{row}"),
            "user": format!("user-{row}"),
            "pass": format!("{PASSWORD}, \"{row}\""),
        });
        let is_right = body == expected
            && request.line == "POST /login HTTP/1.1"
            && request.header("content-type") == Some("application/json")
            // Header fields of the target are for its sockets and commands.
            && request.header("x-device").is_none();
        if !is_right || !logged_in.lock().insert(row) {
            return request.answer("400 Bad Request", "", "");
        }
        give_session(request, row);
    });
    let keys = format!(
        "data = {data:?}\n{}",
        login(
            &server,
            r#"json = { device = "{device}", user = "{user}", pass = "{pass}" }, expect = 302,
               take = { session = "cookie:session" }"#
        )
    );
    let target = r#"headers = { Cookie = "session={session}", X-Device = "{device}" }"#;
    let text = scenario(&server, DEVICES, &keys, target).replace("/ws\"", "/ws?user={user}\"");
    let run = CliRun::run_to_end(&text);
    run.assert_passed();
    let summary = run.summary();
    assert_eq!(summary.sockets.opened, DEVICES);
    assert_eq!(opened.load(Relaxed), DEVICES);
    assert_eq!(users.lock().len() as u64, DEVICES);
    let logins = summary.login.clone().unwrap();
    assert_eq!((logins.due, logins.succeeded), (DEVICES, DEVICES));
    assert_eq!((logins.failed, logins.renewed), (0, 0));
    assert_eq!(logins.service_ms.count, DEVICES);
    assert_no_secret(&run, &[PASSWORD, SESSION]);
    // The record names the file, and not what is in it.
    let manifest = run.file("manifest.json");
    assert!(manifest.contains("\"sha256\""), "{manifest}");
    assert!(!manifest.contains("user-1"), "{manifest}");
}

/// The server refuses every third session. Each refused device logs in again, so that the
/// sessions that the server gave and refused are known in advance.
#[test]
fn refused_session_is_renewed_once_per_attempt() {
    let given = Arc::new(AtomicU64::new(0));
    let sessions = given.clone();
    let server = ForeignServer::start(move |request| {
        if !request.is_upgrade() {
            return give_session(request, sessions.fetch_add(1, Relaxed) + 1);
        }
        match session(&request).filter(|session| session % 3 != 0) {
            Some(_) => request.serve_socket("", |_| true),
            None => request.answer("403 Forbidden", "", ""),
        }
    });
    let keys = login(
        &server,
        r#"form = { user = "{device}" }, expect = 302, take = { session = "cookie:session" }"#,
    );
    let target = r#"headers = { Cookie = "session={session}" }"#;
    let run = CliRun::run_to_end(&scenario(&server, DEVICES, &keys, target));
    let summary = run.summary();
    assert_eq!(summary.sockets.opened, DEVICES);
    // 200 of the first 299 numbers are not multiples of 3, and neither is the last of them.
    let expected = DEVICES + DEVICES.div_ceil(2) - 1;
    assert_eq!(given.load(Relaxed), expected);
    let logins = summary.login.unwrap();
    assert_eq!((logins.due, logins.succeeded), (expected, expected));
    assert_eq!(logins.renewed, expected - DEVICES);
    assert_no_secret(&run, &[SESSION]);
}

#[test]
fn login_without_an_answer_times_out_and_fails_the_attempt() {
    let (at_the_end, end) = mpsc::channel::<()>();
    let end = Mutex::new(end);
    let server = ForeignServer::start(move |request| match request.is_upgrade() {
        true => request.serve_socket("", |_| true),
        // No answer before the run has ended; the connections stay open.
        false => drop(end.lock().recv()),
    });
    let keys = login(&server, r#"timeout = "300ms""#);
    let run = CliRun::run_to_end(&scenario(&server, 10, &keys, ""));
    assert_eq!(run.code, Some(3), "{}", run.stdout);
    let summary = run.summary();
    assert_eq!(summary.sockets.opened, 0);
    let logins = summary.login.unwrap();
    assert_eq!(logins.succeeded, 0);
    assert!(logins.failed >= 10 && logins.failed <= logins.due);
    drop(at_the_end);
    assert_eq!(run.counted("login.failed.timeout"), logins.failed);
    assert_eq!(run.counted("connect.failed.login"), logins.failed);
}

#[test]
fn failed_login_is_counted_by_its_kind() {
    let body = "x".repeat(1 << 20);
    let server = ForeignServer::start(move |request| {
        let device = request.line.split(['=', ' ']).nth(2).and_then(number);
        match device {
            _ if request.is_upgrade() => request.serve_socket("", |_| true),
            Some(0) => request.answer("401 No", "Location: /again?secret=s3cr3t\r\n", "s3cr3t"),
            // No JSON within the part of the body that is read.
            Some(1) => request.answer("200 OK", "", &format!("{{\"token\":\"{body}\"}}")),
            Some(2) => request.answer("200 OK", "", "{\"token\":\"\"}"),
            Some(3) => drop(request),
            _ => request.answer("200 OK", "", "{\"token\":\"t\"}"),
        }
    });
    let keys = login(&server, r#"take = { token = "json:/token" }"#);
    let text = scenario(&server, 5, &keys, "").replace("/login\"", "/login?d={device}\"");
    let run = CliRun::run_to_end(&text);
    assert_eq!(run.summary().sockets.opened, 1);
    for (kind, at_least) in [("status_401", 1), ("no_value", 2), ("connection", 1)] {
        let counted = run.counted(&format!("login.failed.{kind}"));
        assert!(counted >= at_least, "{kind}: {counted}");
    }
    let failures = run.summary().failures;
    let refused = failures
        .iter()
        .find(|failure| failure.kind == "login.failed.status_401");
    let example = refused.and_then(|refused| refused.example.clone()).unwrap();
    assert_eq!(example.status.as_deref(), Some("401 Unauthorized"));
    // Neither the body nor a query, which may repeat what was sent.
    assert_eq!(example.location.as_deref(), Some("/again"));
    assert_eq!(example.body, None);
    // The terminal names the most frequent kinds only.
    let page = fs::read_to_string(run.record.join("report.html")).unwrap();
    assert!(page.contains("answered with 401"), "{}", run.stdout);
    assert_no_secret(&run, &["s3cr3t"]);
}

/// A value with a line end would be a header field of its own.
#[test]
fn value_that_would_add_a_header_field_is_refused() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("tokens.jsonl");
    let rows = [r#"{"token":"a\r\nX-Admin: yes"}"#, r#"{"token":"good ü"}"#];
    fs::write(&data, rows.join("\n")).unwrap();
    let server = ForeignServer::start(|request| match request.header("x-admin") {
        None => request.serve_socket("", |_| true),
        Some(_) => panic!("a value became a header field"),
    });
    let target = r#"headers = { Authorization = "Bearer {token}" }"#;
    let text = scenario(&server, 2, &format!("data = {data:?}"), target);
    let run = CliRun::run_to_end(&text);
    assert_eq!(run.summary().sockets.opened, 1);
    assert!(run.counted("connect.failed.invalid_value") >= 1);
    assert_no_secret(&run, &["X-Admin"]);
}

/// The host, a part of the path and a header field come from the environment.
#[test]
fn variables_stand_in_addresses_and_nowhere_in_the_record() {
    const KEY: &str = "k3y /of?the=run";
    let server = ForeignServer::start(|request| {
        let is_right = request.line == "GET /ws/k3y%20%2Fof%3Fthe%3Drun HTTP/1.1"
            && request.header("x-key") == Some(KEY);
        match is_right {
            true => request.serve_socket("", |_| true),
            false => request.answer("400 Bad Request", "", ""),
        }
    });
    let text = scenario(&server, 5, "", r#"headers = { X-Key = "${RUN_KEY}" }"#);
    let text = text.replace(
        &format!("{}/ws\"", server.address),
        "${TARGET_HOST}:${TARGET_PORT}/ws/${RUN_KEY}\"",
    );
    let (host, port) = (server.address.ip().to_string(), server.address.port());
    let run = CliRun::launch("run", &text, |command| {
        command
            .env("TARGET_HOST", host)
            .env("TARGET_PORT", port.to_string())
            .env("RUN_KEY", KEY)
    });
    let run = run.finish();
    run.assert_passed();
    assert_eq!(run.summary().sockets.opened, 5);
    assert_no_secret(&run, &[KEY, "k3y"]);
}

#[test]
fn data_file_with_too_few_rows_is_an_error_of_check() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("tokens.csv", "token\nt0\nt1\n");
    write(
        "scenario.toml",
        "name = \"few\"\nduration = \"1s\"\n[target]\nws = \"ws://127.0.0.1:1/?t={token}\"\n\
         dialect = \"plain\"\n[[devices]]\nname = \"phone\"\ncount = 3\nramp = \"1/s\"\n\
         data = \"tokens.csv\"\n",
    );
    // The file is seen from the scenario's folder, and not from here.
    let path = folder.path().join("scenario.toml").display().to_string();
    let output = highwater(&["check", &path]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    for part in [
        "scenario.toml:10:8: devices.phone.data: tokens.csv has 2 rows for 3 devices",
        "= hint: add 1 row, or write count = 2",
    ] {
        assert!(text.contains(part), "{text}");
    }
    write("tokens.csv", "token\nt0\nt1\nt2\n");
    let output = highwater(&["check", &path]).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("a row of tokens.csv (3 rows: token)"),
        "{text}"
    );
}
