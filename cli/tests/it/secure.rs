//! TLS, tokens, header fields and nodes that are full, from scenario to report.

use std::{fs, net::TcpStream, process::Command};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::{
    harness::{
        Certificates, CliRun, ask,
        checks::{assert_gates_hold, assert_problem},
        eventually, highwater,
    },
    server::ServerProcess,
};

const SECRET: &str = "an-example-secret-of-32-bytes-ok";

/// Returns twenty devices and some commands against a node that speaks TLS.
fn over_tls(address: &str, more: &str) -> String {
    format!(
        r#"
        name = "secure"
        duration = "2s"
        [target]
        ws = "wss://{address}/ws?device={{device}}"
        http = "https://{address}"
        {more}
        [[devices]]
        name = "home"
        count = 20
        ramp = "100/s"
        heartbeat = "1s"
        [[commands]]
        name = "read"
        rate = "20/s"
        [[gates]]
        check = "sockets.failed == 0"
        [[gates]]
        check = "commands.replied >= 30"
        "#
    )
}

/// Commands begin with the steady phase: the node's memory is taken before.
#[test]
fn cluster_with_tls_and_tokens_has_cheap_idle_sockets() {
    const OF_A_NODE: f64 = 400.0;
    let run = CliRun::run_to_end(
        r#"
        name = "secure"
        duration = "3s"
        [cluster]
        nodes = 2
        tls = true
        auth = true
        [[devices]]
        name = "home"
        count = 800
        ramp = "200/s"
        heartbeat = "10s"
        [[commands]]
        name = "read"
        rate = "40/s"
        [[gates]]
        check = "sockets.failed == 0"
        [[gates]]
        check = "sockets.server_open_peak == 800"
        [[gates]]
        check = "heartbeats.missed == 0"
        [[gates]]
        check = "commands.failed == 0"
        [[gates]]
        check = "commands.replied >= 100"
        "#,
    );
    run.assert_passed();
    // Neither the authority's key nor the secret is part of the record.
    let manifest = run.file("manifest.json");
    assert!(manifest.contains("\"tls\": true"), "{manifest}");
    assert!(!manifest.contains("PRIVATE") && !manifest.contains("secret"));

    let steady = run.steady_start();
    let idle = run
        .intervals()
        .into_iter()
        .filter(|line| line["source"]["id"] == "n1" && line["at"].as_f64() < Some(steady + 0.1));
    let samples: Vec<(f64, f64)> = idle
        .filter_map(|line| {
            let gauges = &line["gauges"];
            Some((gauges["sockets.open"].as_f64()?, gauges["heap"].as_f64()?))
        })
        .collect();
    // The difference alone counts: the node's own memory is part of both samples.
    let (before, after) = (samples.first().unwrap(), samples.last().unwrap());
    let sockets = after.0 - before.0;
    assert!(sockets >= OF_A_NODE / 2.0, "{samples:?}");
    let each = (after.1 - before.1) / sockets;
    // With rustls's own buffers it is 8,600.
    assert!((1_000.0..6_144.0).contains(&each), "{each} bytes");
}

#[test]
fn certificate_of_a_target_is_verified() {
    let (certificates, others) = (Certificates::make(), Certificates::make());
    let node = certificates.node();
    let ca = |of: &Certificates| format!("tls = {{ ca = {:?} }}", of.text("ca.pem"));

    let run = CliRun::run_to_end(&over_tls(&node.address, &ca(&others)));
    assert_eq!(run.code, Some(5), "{}", run.stderr);
    for expected in [
        "cannot establish TLS with wss://",
        "invalid peer certificate",
        "tls = { ca",
    ] {
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
    }

    let run = CliRun::run_to_end(&over_tls(&node.address, "tls = { ca = \"missing.pem\" }"));
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    // Seen from the scenario's folder.
    assert!(run.stderr.contains("cannot read the authorities in "));
    assert!(run.stderr.contains("/missing.pem"), "{}", run.stderr);
}

#[test]
fn files_of_a_target_are_checked_before_a_run() {
    let (certificates, others) = (Certificates::make(), Certificates::make());
    let check = |tls: &str| {
        let folder = TempDir::new().unwrap();
        let scenario = folder.path().join("tls.toml");
        fs::write(&scenario, over_tls("127.0.0.1:1", tls)).unwrap();
        let output = highwater(&["check", scenario.to_str().unwrap()])
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        (
            output.status.code(),
            stderr.replace(folder.path().to_str().unwrap(), "FOLDER"),
        )
    };
    let client = |certificate: &str, key: &str| {
        format!("tls = {{ certificate = {certificate:?}, key = {key:?} }}")
    };
    let (certificate, key) = (certificates.text("node.pem"), certificates.text("node.key"));
    let (code, stderr) = check(&client(&certificate, &key));
    assert_eq!(code, Some(0), "{stderr}");
    for (tls, expected) in [
        (
            "tls = { ca = \"missing.pem\" }".to_owned(),
            "cannot read the authorities in FOLDER/missing.pem",
        ),
        (
            client(&certificate, "missing.pem"),
            "cannot read the client's private key in FOLDER/missing.pem",
        ),
        (
            client(&key, &key),
            "invalid client certificate: expected a certificate in PEM",
        ),
        (
            client(&certificate, &others.text("node.key")),
            "invalid client certificate: ",
        ),
    ] {
        let (code, stderr) = check(&tls);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(expected), "{expected}: {stderr}");
    }
}

/// An unusable certificate does not replace the old one, and open sockets stay open.
#[test]
fn trusted_certificate_is_read_anew_on_sighup() {
    let certificates = Certificates::make();
    let mut node = certificates.node();
    node.signal(Signal::SIGHUP);
    node.wait_until_logged("the certificate was read anew");
    // The second SIGHUP finds this file.
    fs::write(certificates.file("node.key"), "no key").unwrap();
    let more = format!(
        "tls = {{ ca = {:?} }}\nobserve = [{{ name = \"n1\", prometheus = \"https://{}/metrics\" }}]",
        certificates.text("ca.pem"),
        node.address
    );
    let run = CliRun::start(&over_tls(&node.address, &more));
    run.wait_until_steady(0.0);
    node.signal(Signal::SIGHUP);
    node.wait_until_logged("the certificate stays as it was");
    let run = run.finish();
    run.assert_passed();
    assert_eq!(run.summary().nodes[0].sockets_peak, Some(20));
}

#[test]
fn unverified_tls_is_reported_and_a_silent_endpoint_is_refused() {
    let node = Certificates::make().node();
    let address = &node.address;
    let observing = |scheme: &str| {
        let observed =
            format!(r#"{{ name = "app", prometheus = "{scheme}://{address}/metrics" }}"#);
        let more = format!("tls = {{ verify = false }}\nobserve = [{observed}]");
        CliRun::run_to_end(&over_tls(address, &more))
    };
    let summary = observing("https").summary();
    assert_gates_hold(&summary);
    assert_problem(&summary, "certificates were not verified");
    assert_eq!(summary.nodes[0].sockets_peak, Some(20));

    let refused = observing("http");
    assert_eq!(refused.code, Some(5), "{}", refused.stderr);
    let reason = "cannot observe app: cannot read http://";
    assert!(refused.stderr.contains(reason), "{}", refused.stderr);
}

/// Starts a node with a login, and returns it with a token for `home-*`.
fn guarded_node() -> (ServerProcess, String) {
    let mut command = highwater(&["serve", "node", "--listen", "127.0.0.1:0"]);
    command.args(["--id", "theirs", "--auth", "--session-lifetime", "1h"]);
    command.env("HIGHWATER_AUTH_SECRET", SECRET);
    command.env("HIGHWATER_LOGIN_SECRET", SECRET);
    let node = ServerProcess::spawn(command);
    let body = r#"{"user":"load","devices":["home-*"]}"#;
    let answer = ask(
        &node.address,
        &format!(
            "POST /sessions HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAuthorization: Bearer {SECRET}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ),
    );
    let json: serde_json::Value =
        serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let token = json["token"].as_str().unwrap().to_owned();
    (node, token)
}

#[test]
fn header_fields_carry_a_token_from_the_environment() {
    let (node, token) = guarded_node();
    let scenario = format!(
        r#"
        name = "token"
        duration = "2s"
        [target]
        ws = "ws://{address}/ws?device={{device}}"
        http = "http://{address}"
        headers = {{ Authorization = "Bearer ${{LOAD_TOKEN}}" }}
        [[devices]]
        name = "home"
        count = 5
        ramp = "100/s"
        heartbeat = "1s"
        [[commands]]
        name = "read"
        rate = "10/s"
        [[gates]]
        check = "sockets.failed == 0"
        [[gates]]
        check = "commands.replied >= 10"
        "#,
        address = node.address,
    );
    let run = CliRun::launch("run", &scenario, |command| {
        command.env("LOAD_TOKEN", &token)
    });
    let run = run.finish();
    run.assert_passed();
    let manifest = run.file("manifest.json");
    assert!(manifest.contains("${LOAD_TOKEN}") && !manifest.contains(&token));

    let run = CliRun::launch("run", &scenario, |command| command.env_remove("LOAD_TOKEN"));
    let run = run.finish();
    assert_eq!(run.code, Some(2));
    let expected = "cannot fill in the header field Authorization: the variable LOAD_TOKEN";
    assert!(run.stderr.contains(expected), "{}", run.stderr);
}

#[test]
fn devices_wait_as_long_as_a_full_node_asks_for() {
    let node = ServerProcess::node_with("theirs", &["--max-sockets", "5"]);
    let run = CliRun::run_to_end(&format!(
        r#"
        name = "full"
        duration = "2s"
        [target]
        ws = "ws://{address}/ws?device={{device}}"
        [[devices]]
        name = "home"
        count = 10
        ramp = "100/s"
        heartbeat = "1s"
        reconnect = {{ first = "10ms", max = "10ms", jitter = "none" }}
        "#,
        address = node.address,
    ));
    let summary = run.summary();
    assert_eq!(summary.sockets.opened, 5);
    // `Retry-After` is 5 s or more: without it, each would have tried a hundred times.
    let rejected = run.counted("connect.failed.status_503");
    assert!((5..=20).contains(&rejected), "{rejected}");
}

#[test]
fn admin_listener_answers_when_files_have_run_out() {
    let mut command = Command::new("sh");
    let serve = format!(
        "ulimit -n 128; exec {} serve node --listen 127.0.0.1:0 --id n1 --admin-listen 127.0.0.1:0",
        env!("CARGO_BIN_EXE_highwater")
    );
    command.args(["-c", &serve]);
    let mut node = ServerProcess::spawn(command);
    let admin = node.next_address("admin on ");
    // More connections than the node has files, of which it keeps some in reserve.
    let _held: Vec<_> = (0..150)
        .map(|_| TcpStream::connect(&node.address).unwrap())
        .collect();
    let rejected = eventually("connections are rejected", || {
        let get = "GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
        let metrics = ask(&admin, get);
        assert!(metrics.starts_with("HTTP/1.1 200"), "{metrics:.200}");
        let line = metrics.lines().find_map(|line| {
            line.strip_prefix("highwater_connections_rejected_total{reason=\"at_capacity\"} ")
        })?;
        line.parse().ok().filter(|count: &u64| *count > 0)
    });
    assert!(rejected >= 22, "{rejected}");
    let log = node.kill_and_read_log();
    // A node without files would otherwise log each failed accept.
    assert!(!log.contains("accept"), "{log}");
}

#[test]
fn invalid_node_options_are_reported() {
    let certificates = Certificates::make();
    let rejected = |more: &[&str]| {
        let arguments = ["serve", "node", "--listen", "127.0.0.1:0", "--id", "n1"];
        let output = highwater(&[&arguments, more].concat())
            .env_remove("HIGHWATER_AUTH_SECRET")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let (cert, key) = (certificates.text("node.pem"), certificates.text("ca.pem"));
    let text = rejected(&["--tls-cert", &cert, "--tls-key", &key]);
    assert!(
        text.contains("ca.pem holds no private key in PEM"),
        "{text}"
    );
    let text = rejected(&["--tls-cert", &cert]);
    assert!(text.contains("--tls-key"), "{text}");
    let text = rejected(&["--auth"]);
    assert!(text.contains("--auth-secret-file"), "{text}");
    let short = certificates.file("short");
    fs::write(&short, "too short\n").unwrap();
    let text = rejected(&["--auth-secret-file", &short.display().to_string()]);
    assert!(text.contains("a secret of 9 bytes"), "{text}");
    let text = rejected(&["--max-upgrades", "500"]);
    assert!(text.contains("such as 500/s"), "{text}");
    let text = rejected(&["--max-handshakes", "500/s"]);
    assert!(text.contains("--tls-cert"), "{text}");
    let text = rejected(&["--session-store", "mysql://h"]);
    assert!(text.contains("unknown session store"), "{text}");
}
