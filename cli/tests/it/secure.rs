//! TLS, tokens, header fields and nodes that are full, from scenario to report.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Command, Output},
};

use highwater_reports::summary::Verdict;
use nix::sys::signal::Signal;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use crate::{
    harness::{Run, eventually, highwater},
    server::Server,
};

const SECRET: &str = "an-example-secret-of-32-bytes-ok";

/// `ca.pem` of an authority, `node.pem` and `node.key` that it signed.
struct Certificates(TempDir);

impl Certificates {
    fn make() -> Self {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = authority.self_signed(&key).unwrap();
        let issuer = Issuer::new(authority, key);
        let node_key = KeyPair::generate().unwrap();
        let node = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let node = node.signed_by(&node_key, &issuer).unwrap();
        let made = Self(TempDir::new().unwrap());
        fs::write(made.file("ca.pem"), certificate.pem()).unwrap();
        fs::write(made.file("node.pem"), node.pem()).unwrap();
        fs::write(made.file("node.key"), node_key.serialize_pem()).unwrap();
        made
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.file(name).display().to_string()
    }

    fn node(&self) -> Server {
        let (cert, key) = (self.text("node.pem"), self.text("node.key"));
        Server::node_with("theirs", &["--tls-cert", &cert, "--tls-key", &key])
    }
}

/// Twenty devices and some commands against a node that speaks TLS.
fn over_tls(address: &str, more: &str) -> String {
    format!(
        r#"
        name = "secure"
        duration = "3s"
        [target]
        ws = "wss://{address}/ws?device={{device}}"
        http = "https://{address}"
        observe = [{{ name = "n1", prometheus = "https://{address}/metrics" }}]
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

#[test]
fn a_cluster_with_tls_and_tokens() {
    let run = Run::to_its_end(
        r#"
        name = "secure"
        duration = "4s"
        [cluster]
        nodes = 2
        tls = true
        auth = true
        [[devices]]
        name = "home"
        count = 100
        ramp = "100/s"
        heartbeat = "1s"
        [[commands]]
        name = "read"
        rate = "40/s"
        [[gates]]
        check = "sockets.failed == 0"
        [[gates]]
        check = "sockets.server_open_peak == 100"
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
    let manifest = fs::read_to_string(run.record.join("manifest.json")).unwrap();
    assert!(manifest.contains("\"tls\":true") || manifest.contains("\"tls\": true"));
    assert!(!manifest.contains("PRIVATE") && !manifest.contains("secret"));
}

#[test]
fn an_idle_socket_with_tls_and_a_token_stays_cheap() {
    const SOCKETS: f64 = 500.0;
    let run = Run::to_its_end(
        r#"
        name = "cheap"
        duration = "3s"
        [cluster]
        tls = true
        auth = true
        [[devices]]
        name = "home"
        count = 500
        ramp = "200/s"
        heartbeat = "10s"
        [[gates]]
        check = "sockets.failed == 0"
        "#,
    );
    run.assert_passed();
    // Of the node: empty, and with all of them open and idle.
    let text = fs::read_to_string(run.record.join("intervals.jsonl")).unwrap();
    let heap_with = |sockets: f64| {
        text.lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .filter(|line| line["source"]["role"] == "node")
            .filter(|line| line["gauges"]["sockets.open"] == sockets)
            .filter_map(|line| line["gauges"]["heap"].as_f64())
            .collect::<Vec<_>>()
    };
    let (empty, full) = (heap_with(0.0), heap_with(SOCKETS));
    let grown = full.last().unwrap() - empty.first().unwrap();
    let each = grown / SOCKETS;
    // With rustls's own buffers it is 8,600.
    assert!((1_000.0..6_144.0).contains(&each), "{each} bytes");
}

#[test]
fn a_target_s_certificate_is_verified() {
    let (certificates, others) = (Certificates::make(), Certificates::make());
    let node = certificates.node();
    let ca = |of: &Certificates| format!("tls = {{ ca = {:?} }}", of.text("ca.pem"));

    let run = Run::to_its_end(&over_tls(&node.address, &ca(&others)));
    assert_eq!(run.code, Some(5), "{}", run.stderr);
    for told in [
        "no TLS session with wss://",
        "invalid peer certificate",
        "tls = { ca",
    ] {
        assert!(run.stderr.contains(told), "{told}: {}", run.stderr);
    }

    let run = Run::to_its_end(&over_tls(&node.address, &ca(&certificates)));
    run.assert_passed();
    let observed = &run.summary().nodes[0];
    assert_eq!(observed.sockets_peak, Some(20));

    let run = Run::to_its_end(&over_tls(&node.address, "tls = { verify = false }"));
    let summary = run.summary();
    assert!(
        summary
            .gates
            .iter()
            .all(|gate| gate.verdict == Verdict::Passed)
    );
    let doubt = "certificates were not verified";
    assert!(
        summary
            .problems
            .iter()
            .any(|problem| problem.contains(doubt)),
        "{:?}",
        summary.problems
    );

    let run = Run::to_its_end(&over_tls(&node.address, "tls = { ca = \"missing.pem\" }"));
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(
        run.stderr
            .contains("cannot read the authorities in missing.pem")
    );
}

#[test]
fn a_certificate_is_read_anew_on_sighup() {
    let certificates = Certificates::make();
    let mut node = certificates.node();
    node.signal(Signal::SIGHUP);
    node.until_logged("the certificate was read anew");
    fs::write(certificates.file("node.key"), "no key").unwrap();
    let run = Run::start(&over_tls(
        &node.address,
        &format!("tls = {{ ca = {:?} }}", certificates.text("ca.pem")),
    ));
    run.until_steady(0.0);
    node.signal(Signal::SIGHUP);
    node.until_logged("the certificate stays as it was");
    run.finish().assert_passed();
}

#[test]
fn an_endpoint_without_figures_is_named_with_the_reason() {
    let node = Server::node("theirs");
    let run = Run::to_its_end(&format!(
        r#"
        name = "misread"
        duration = "2s"
        [target]
        ws = "ws://{address}/ws?device={{device}}"
        observe = [{{ name = "n1", prometheus = "https://{address}/metrics" }}]
        [[devices]]
        name = "home"
        count = 5
        ramp = "100/s"
        heartbeat = "1s"
        "#,
        address = node.address,
    ));
    let summary = run.summary();
    let told: Vec<_> = summary
        .problems
        .iter()
        .filter(|problem| problem.contains("n1 gives no figures: cannot read https://"))
        .collect();
    assert_eq!(told.len(), 1, "{:?}", summary.problems);
    assert_eq!(summary.nodes[0].sockets_peak, None);
}

/// A node whose login is open to this test, and a token for `home-*` from it.
fn guarded_node() -> (Server, String) {
    let mut command = highwater(&["serve", "node", "--listen", "127.0.0.1:0"]);
    command.args(["--id", "theirs", "--auth", "--session-lifetime", "1h"]);
    command.env("HIGHWATER_AUTH_SECRET", SECRET);
    command.env("HIGHWATER_LOGIN_SECRET", SECRET);
    let node = Server::spawn(command);
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

fn ask(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn header_fields_carry_a_token_from_the_environment() {
    let (node, token) = guarded_node();
    let folder = TempDir::new().unwrap();
    let scenario = folder.path().join("scenario.toml");
    let text = format!(
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
    fs::write(&scenario, text).unwrap();
    let run = |name: &str, token: Option<&str>| -> (Output, PathBuf) {
        let out = folder.path().join(name);
        let mut command = highwater(&["run", "--no-progress"]);
        command.arg(&scenario).arg("--out").arg(&out);
        command.env_remove("LOAD_TOKEN");
        if let Some(token) = token {
            command.env("LOAD_TOKEN", token);
        }
        (command.output().unwrap(), out)
    };
    let (output, out) = run("with", Some(&token));
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(stdout.matches("  passed  ").count(), 2, "{stdout}");
    let manifest = fs::read_to_string(out.join("manifest.json")).unwrap();
    assert!(manifest.contains("${LOAD_TOKEN}") && !manifest.contains(&token));

    let (output, _) = run("without", None);
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("the header field Authorization needs the variable LOAD_TOKEN"),
        "{stderr}"
    );
}

#[test]
fn devices_wait_as_long_as_a_full_node_asks_for() {
    let node = Server::node_with("theirs", &["--max-sockets", "5"]);
    let run = Run::to_its_end(&format!(
        r#"
        name = "full"
        duration = "3s"
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
    // `Retry-After` is 5 s: without it, each would have tried a hundred times.
    let rejected = run.counted("connect.failed.rejected");
    assert!((5..=20).contains(&rejected), "{rejected}");
}

#[test]
fn operators_get_through_when_files_have_run_out() {
    let mut command = Command::new("sh");
    let serve = format!(
        "ulimit -n 128; exec {} serve node --listen 127.0.0.1:0 --id n1 --admin-listen 127.0.0.1:0",
        env!("CARGO_BIN_EXE_highwater")
    );
    command.args(["-c", &serve]);
    let mut node = Server::spawn(command);
    let admin = node.next_address("admin on ");
    let _held: Vec<_> = (0..150)
        .map(|_| TcpStream::connect(&node.address).unwrap())
        .collect();
    let turned_away = eventually("connections are turned away", || {
        let get = "GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
        let metrics = ask(&admin, get);
        assert!(metrics.starts_with("HTTP/1.1 200"), "{metrics:.200}");
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix("highwater_connections_turned_away_total "))?;
        line.parse().ok().filter(|count: &u64| *count > 0)
    });
    assert!(turned_away >= 22, "{turned_away}");
    let log = node.log();
    assert!(!log.contains("accept"), "{log}");
}

#[test]
fn what_is_wrong_with_a_node_s_options_is_told() {
    let certificates = Certificates::make();
    let told = |more: &[&str]| {
        let arguments = ["serve", "node", "--listen", "127.0.0.1:0", "--id", "n1"];
        let output = highwater(&[&arguments, more].concat())
            .env_remove("HIGHWATER_AUTH_SECRET")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let (cert, key) = (certificates.text("node.pem"), certificates.text("ca.pem"));
    let text = told(&["--tls-cert", &cert, "--tls-key", &key]);
    assert!(
        text.contains("ca.pem holds no private key in PEM"),
        "{text}"
    );
    let text = told(&["--tls-cert", &cert]);
    assert!(text.contains("--tls-key"), "{text}");
    let text = told(&["--auth"]);
    assert!(text.contains("--auth-secret-file"), "{text}");
    let short = certificates.file("short");
    fs::write(&short, "too short\n").unwrap();
    let text = told(&["--auth-secret-file", &short.display().to_string()]);
    assert!(text.contains("a secret of 9 bytes"), "{text}");
    let text = told(&["--max-upgrades", "500"]);
    assert!(text.contains("such as 500/s"), "{text}");
    let text = told(&["--session-store", "mysql://h"]);
    assert!(text.contains("unknown session store"), "{text}");
}
