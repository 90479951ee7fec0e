//! The endpoints that Prometheus scrapes: of a run that lasts, and of each part of the reference
//! cluster.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use highwater_services::{PROMTOOL, pick_free_port};

use crate::{
    harness::{CliRun, ask, eventually, highwater},
    server::ServerProcess,
};

/// Returns the body that is served at `/metrics`.
fn scrape(address: &str, accept: &str) -> String {
    let request = format!(
        "GET /metrics HTTP/1.1\r\nHost: {address}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
    );
    let answer = ask(address, &request);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    body.to_owned()
}

/// Asserts that Prometheus's own check has nothing to say, where it is installed.
fn check(name: &str, text: &str) {
    let Some(promtool) = PROMTOOL.path() else {
        eprintln!("skipped: promtool is not installed");
        return;
    };
    let mut promtool = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    let mut stdin = promtool.stdin.take().expect("a pipe");
    stdin.write_all(text.as_bytes()).expect("promtool reads");
    drop(stdin);
    let output = promtool.wait_with_output().expect("promtool ends");
    assert!(output.status.success(), "{name}: {output:?}");
    assert!(output.stderr.is_empty(), "{name}: {output:?}");
}

/// Returns the value of the sample whose name and labels contain all of `parts`.
fn value(text: &str, parts: &[&str]) -> Option<f64> {
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let line = lines.find(|line| parts.iter().all(|part| line.contains(part)))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[test]
fn run_that_lasts_is_scraped() {
    let port = pick_free_port().unwrap();
    let address = format!("127.0.0.1:{port}");
    let run = CliRun::start_with(
        r#"
        name = "scraped"
        duration = "12s"
        [cluster]
        nodes = 2
        [[devices]]
        name = "home"
        count = 60
        ramp = "100/s"
        heartbeat = "1s"
        [[commands]]
        name = "set-light"
        rate = "20/s"
        [[gates]]
        name = "nothing-missed"
        check = "heartbeats.missed == 0"
        [[gates]]
        name = "impossible"
        check = "commands.response.p99 <= 1us"
        [[gates]]
        name = "at-the-end"
        check = "sockets.open_at_end == 60"
        "#,
        &["--metrics-listen", &address],
    );
    run.wait_until_steady(2.0);
    let text = eventually("commands of the steady phase", || {
        let text = scrape(&address, "*/*");
        value(&text, &["gate_holds", "gate=\"impossible\""]).map(|_| text)
    });
    check("a run", &text);
    let of = |parts: &[&str]| value(&text, parts);
    assert_eq!(of(&["run_phase", "steady"]), Some(1.0), "{text}");
    let clients = "source_kind=\"client\"";
    assert_eq!(of(&["run_sockets_open{", clients]), Some(60.0), "{text}");
    assert!(
        of(&["run_commands_replied_total{", clients]) > Some(10.0),
        "{text}"
    );
    assert!(
        of(&["run_rss_bytes{", "source=\"n2\""]) > Some(1e6),
        "{text}"
    );
    assert!(
        of(&["commands_response_seconds{", "quantile=\"0.99\""]) > Some(0.0),
        "{text}"
    );
    assert_eq!(of(&["gate_holds", "gate=\"nothing-missed\""]), Some(1.0));
    assert_eq!(of(&["gate_holds", "gate=\"impossible\""]), Some(0.0));
    // Only the report knows what is open at the end.
    assert_eq!(of(&["gate_holds", "gate=\"at-the-end\""]), None);
    assert_eq!(of(&["gates{", "state=\"unknown\""]), Some(1.0), "{text}");

    let newer = scrape(&address, "application/openmetrics-text;version=1.0.0");
    assert!(newer.ends_with("# EOF\n"), "{newer}");
    assert!(
        newer.contains("# TYPE highwater_run_commands_replied counter"),
        "{newer}"
    );

    let finished = run.finish();
    assert!(
        finished
            .stderr
            .contains(&format!("http://{address}/metrics"))
    );
    assert_eq!(finished.summary().sockets.opened, 60);
}

#[test]
fn taken_address_of_the_metrics_ends_the_run_before_its_load() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let scenario = "name = \"t\"\nduration = \"1s\"\n[target]\nws = \"ws://127.0.0.1:1/{device}\"\n\
                    [[devices]]\nname = \"home\"\ncount = 1\nramp = \"1/s\"\nheartbeat = \"1s\"\n";
    let run = CliRun::start_with(scenario, &["--metrics-listen", &address]).finish();
    assert_eq!(run.code, Some(5), "{}", run.stderr);
    let expected = format!("cannot serve the metrics of the run on {address}");
    assert!(run.stderr.contains(&expected), "{}", run.stderr);
    assert!(run.stderr.contains("hint: `ss -ltnp"), "{}", run.stderr);
}

#[test]
fn each_part_of_the_cluster_passes_the_check() {
    let mut broker = ServerProcess::start(&[
        "serve",
        "broker",
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
    ]);
    check("broker", &scrape(&broker.next_address("admin on "), "*/*"));
    let backplane = format!("local://{}", broker.address);
    let node = ServerProcess::node_with("n1", &["--backplane", &backplane]);
    check("node", &scrape(&node.address, "*/*"));
    let gateway = ["serve", "gateway", "--listen", "127.0.0.1:0", "--id", "g1"];
    let joined = ["--backplane", &backplane];
    let gateway = ServerProcess::start(&[&gateway[..], &joined].concat());
    check("gateway", &scrape(&gateway.address, "*/*"));
    let consumer = ["serve", "consumer", "--listen", "127.0.0.1:0", "--id", "c1"];
    let joined = ["--backplane", &backplane, "--group", "billing"];
    let consumer = ServerProcess::spawn({
        let mut command = highwater(&consumer);
        command.args(joined);
        command
    });
    check("consumer", &scrape(&consumer.address, "*/*"));
}
