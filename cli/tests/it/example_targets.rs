//! The worked targets of `examples/targets/`: each scenario runs against the server of its
//! folder, and both ends count the same.

use std::{fs, path::Path};

use highwater_reports::summary::Summary;
use highwater_services::{ExampleServer, RabbitMqService, ServiceError, pick_free_port};

use crate::harness::{CliRun, FinishedRun, ask};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/targets");

/// The sockets of every run.
const SOCKETS: u64 = 200;

/// A variable of the scenario with a login, as its page sets it.
const PASSWORD: (&str, &str) = ("PASSWORD", "swordfish");

/// Changes of every scenario: fewer sockets, and some seconds.
const SHORT: [&str; 1] = ["duration=5s"];

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(FOLDER).join(file)).unwrap()
}

/// Returns a free port for each of the documented ones.
fn free_ports<const N: usize>(documented: [u16; N]) -> [(u16, u16); N] {
    documented.map(|port| (port, pick_free_port().unwrap()))
}

/// Returns a file of an example with the ports of this test.
fn on_ports(file: &str, ports: &[(u16, u16)]) -> String {
    let mut text = read(file);
    // In two steps: a free port may contain the digits of the next documented one.
    for (documented, _) in ports {
        let documented = documented.to_string();
        assert!(
            text.contains(&documented),
            "{file} has the port {documented}"
        );
        text = text.replace(&documented, &placeholder(&documented));
    }
    for (documented, port) in ports {
        text = text.replace(&placeholder(&documented.to_string()), &port.to_string());
    }
    text
}

/// Returns a text without digits that stands for a port meanwhile.
fn placeholder(port: &str) -> String {
    let letters = port.bytes().map(|digit| char::from(digit - b'0' + b'a'));
    format!("<{}>", letters.collect::<String>())
}

/// Returns a Python server, or `None` where its packages could not be installed.
fn python_server(folder: &str, arguments: &[&str], port: u16) -> Option<ExampleServer> {
    let script = Path::new(FOLDER).join(folder).join("server.py");
    match ExampleServer::python(&script, arguments, port) {
        Ok(server) => Some(server),
        Err(error @ ServiceError::Install { .. }) => {
            #[expect(clippy::print_stderr, reason = "the reason for a skipped test")]
            {
                eprintln!("skipped: {error}");
            }
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Runs a scenario with 200 devices of its pool, and these changes.
fn run(scenario: &str, pool: &str, changes: &[&str]) -> FinishedRun {
    let size = [
        format!("devices.{pool}.count={SOCKETS}"),
        format!("devices.{pool}.ramp=100/s"),
    ];
    let sets = size.iter().map(String::as_str).chain(SHORT);
    let sets = sets.chain(changes.iter().copied());
    let sets = sets.flat_map(|set| ["--set", set]);
    CliRun::launch("run", scenario, |command| {
        command.args(sets).env(PASSWORD.0, PASSWORD.1)
    })
    .finish()
}

/// Returns a count of a server's own.
fn server_count(port: u16, name: &str) -> u64 {
    let request = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    let page = ask(&format!("127.0.0.1:{port}"), request);
    let mut lines = page.lines().filter_map(|line| line.split_once(' '));
    let count = lines.find(|(known, _)| *known == name);
    let (_, count) = count.unwrap_or_else(|| panic!("{name}: {page}"));
    count.trim().parse().unwrap()
}

/// Asserts that every socket opened once, and that the server counted them all at once.
fn assert_all_open(run: &FinishedRun) -> Summary {
    run.assert_passed();
    let summary = run.summary();
    let sockets = &summary.sockets;
    assert_eq!((sockets.opened, sockets.failed), (SOCKETS, 0));
    assert_eq!(sockets.server_open_peak, Some(SOCKETS));
    summary
}

/// Asserts that heartbeats were answered, and that the server counted as many.
fn assert_heartbeats(summary: &Summary, server: u64) {
    let heartbeats = &summary.heartbeats;
    assert!(heartbeats.acknowledged >= 3 * SOCKETS, "{heartbeats:?}");
    assert!(
        (heartbeats.acknowledged..=heartbeats.sent).contains(&server),
        "{heartbeats:?}, the server answered {server}"
    );
}

#[test]
fn json_heartbeat() {
    let ports @ [(_, port)] = free_ports([8765]);
    let Some(_server) = python_server("json-heartbeat", &[], port) else {
        return;
    };
    let scenario = on_ports("json-heartbeat/scenario.toml", &ports);
    let run = run(&scenario, "phone", &["devices.phone.heartbeat.every=1s"]);
    let summary = assert_all_open(&run);
    assert_eq!(server_count(port, "sockets_total"), SOCKETS);
    assert_heartbeats(&summary, server_count(port, "heartbeats_total"));
}

#[test]
fn socketio() {
    let ports @ [(_, port)] = free_ports([3000]);
    let Some(_server) = python_server("socketio", &["--ping-interval", "1"], port) else {
        return;
    };
    let scenario = on_ports("socketio/scenario.toml", &ports);
    let run = run(&scenario, "client", &["devices.client.heartbeat=3s"]);
    let summary = assert_all_open(&run);
    assert_eq!(server_count(port, "sockets_total"), SOCKETS);
    // The server pings, and counts no pings itself.
    let heartbeats = &summary.heartbeats;
    assert_eq!(heartbeats.sent, 0);
    assert!(heartbeats.acknowledged >= 3 * SOCKETS, "{heartbeats:?}");
    // Each socket got the greeting.
    assert_eq!(run.counted("messages.received"), SOCKETS);
}

#[test]
fn django_channels() {
    let ports @ [(_, port)] = free_ports([8001]);
    let Some(_server) = python_server("django-channels", &[], port) else {
        return;
    };
    let scenario = on_ports("django-channels/scenario.toml", &ports);
    let run = run(
        &scenario,
        "visitor",
        &["devices.visitor.heartbeat.every=1s"],
    );
    let summary = assert_all_open(&run);
    assert_eq!(server_count(port, "sockets_total"), SOCKETS);
    assert_heartbeats(&summary, server_count(port, "heartbeats_total"));
}

#[test]
fn graphql() {
    let ports @ [(_, port)] = free_ports([8000]);
    let Some(_server) = python_server("graphql", &[], port) else {
        return;
    };
    let scenario = on_ports("graphql/scenario.toml", &ports);
    let run = run(
        &scenario,
        "subscriber",
        &["devices.subscriber.heartbeat=1s"],
    );
    let summary = assert_all_open(&run);
    assert_eq!(server_count(port, "sockets_total"), SOCKETS);
    assert!(summary.heartbeats.acknowledged >= 3 * SOCKETS);
    // The server may have counted ticks that came after a socket's close frame.
    let (received, sent) = (
        run.counted("messages.received"),
        server_count(port, "ticks_total"),
    );
    assert!(received >= 4 * SOCKETS, "{received}");
    assert!(
        (received..=received + SOCKETS).contains(&(sent + SOCKETS)),
        "{received}, {sent}"
    );
}

#[test]
fn login_cookie() {
    let ports @ [(_, port)] = free_ports([8080]);
    let Some(_server) = python_server("login-cookie", &[], port) else {
        return;
    };
    let scenario = on_ports("login-cookie/scenario.toml", &ports);
    let run = run(&scenario, "user", &["devices.user.heartbeat.every=1s"]);
    assert_all_open(&run);
    assert_eq!(server_count(port, "logins_total"), SOCKETS);
    assert_eq!(server_count(port, "sockets_total"), SOCKETS);
    assert_eq!(server_count(port, "rejected_total"), 0);
    assert!(!run.file("manifest.json").contains(PASSWORD.1));
}

#[test]
fn rabbitmq_web_stomp() {
    let broker = RabbitMqService::start().unwrap();
    let metrics = broker.monitor_url().unwrap();
    let web_stomp = broker.web_stomp_urls().remove(0);
    let scenario = read("rabbitmq-web-stomp/scenario.toml")
        .replace("ws://127.0.0.1:15674", &web_stomp)
        .replace("http://127.0.0.1:15692", &metrics);
    let changes = [
        "devices.subscriber.heartbeat=1s",
        "devices.subscriber.ramp=50/s",
    ];
    let run = run(&scenario, "subscriber", &changes);
    let summary = assert_all_open(&run);
    let heartbeats = &summary.heartbeats;
    assert!(heartbeats.acknowledged >= 3 * SOCKETS, "{heartbeats:?}");
}

#[test]
fn rabbitmq_rooms() {
    let broker = RabbitMqService::start().unwrap();
    let web_stomp = broker.web_stomp_urls().remove(0);
    let scenario =
        read("rabbitmq-web-stomp/rooms.toml").replace("ws://127.0.0.1:15674/ws", &web_stomp);
    let run = run(&scenario, "user", &[]);
    run.assert_passed();
    let summary = run.summary();
    let messages = summary.messages.unwrap();
    // Thirty rooms share 200 users: twenty have seven, and ten have six.
    assert_eq!(messages.published, messages.scheduled);
    assert!(messages.due >= messages.published * 6, "{messages:?}");
    assert_eq!(messages.response_ms.count, messages.published);
}

#[test]
fn mosquitto() {
    let ports @ [(_, port), _] = free_ports([8083, 1883]);
    let configuration = on_ports("mosquitto/mosquitto.conf", &ports);
    let broker = ExampleServer::mosquitto(&configuration, port).unwrap();
    let scenario = on_ports("mosquitto/scenario.toml", &ports[..1]);
    let run = run(&scenario, "sensor", &["devices.sensor.heartbeat=1s"]);
    run.assert_passed();
    let summary = run.summary();
    assert_eq!(summary.sockets.opened, SOCKETS);
    let log = broker.log_text();
    let logged = |text: &str| log.lines().filter(|line| line.contains(text)).count() as u64;
    assert_eq!(logged("New client connected from"), SOCKETS);
    assert_eq!(logged("Received SUBSCRIBE from sensor-"), SOCKETS);
    assert_eq!(logged("Received DISCONNECT from sensor-"), SOCKETS);
    assert_heartbeats(&summary, logged("Received PINGREQ from sensor-"));
}

#[test]
fn action_cable() {
    let ports @ [(_, port)] = free_ports([3001]);
    let application = on_ports("action-cable/config.ru", &ports);
    let _server = ExampleServer::action_cable(&application, port).unwrap();
    let scenario = on_ports("action-cable/scenario.toml", &ports);
    let run = run(&scenario, "client", &[]);
    let summary = assert_all_open(&run);
    assert_eq!(server_count(port, "sockets_total"), SOCKETS);
    assert_eq!(server_count(port, "subscriptions_total"), SOCKETS);
    let heartbeats = &summary.heartbeats;
    assert_eq!((heartbeats.sent, heartbeats.missed), (0, 0));
    assert!(heartbeats.acknowledged >= 2 * SOCKETS, "{heartbeats:?}");
    // Each socket gets the time every four seconds, and the server may count some that came
    // after the socket's close frame.
    let (received, sent) = (
        run.counted("messages.received"),
        server_count(port, "messages_total"),
    );
    assert!(received >= SOCKETS, "{received}");
    assert!(
        (received..=received + SOCKETS).contains(&sent),
        "{received}, {sent}"
    );
}

#[test]
fn signalr() {
    let ports @ [(_, port)] = free_ports([5000]);
    let Some(_server) = python_server("signalr", &["--keep-alive", "1"], port) else {
        return;
    };
    let scenario = on_ports("signalr/scenario.toml", &ports);
    let run = run(&scenario, "client", &["devices.client.heartbeat=4s"]);
    let summary = assert_all_open(&run);
    assert_eq!(server_count(port, "sockets_total"), SOCKETS);
    let heartbeats = &summary.heartbeats;
    assert_eq!((heartbeats.sent, heartbeats.missed), (0, 0));
    assert!(heartbeats.acknowledged >= 3 * SOCKETS, "{heartbeats:?}");
    let calls = summary.exchanges.unwrap();
    assert!(calls.answered > 0);
    assert_eq!(
        (calls.answered, calls.sent),
        (server_count(port, "calls_total"), calls.answered)
    );
}

#[test]
fn behind_balancers() {
    let ports @ [(_, first), (_, second), (_, nginx), (_, haproxy)] =
        free_ports([8765, 8766, 8081, 8082]);
    let start = |port| python_server("json-heartbeat", &[], port);
    let (Some(_first), Some(_second)) = (start(first), start(second)) else {
        return;
    };
    let nginx_conf = on_ports(
        "behind-balancers/nginx.conf",
        &[ports[0], ports[1], ports[2]],
    );
    let _nginx = ExampleServer::nginx(&nginx_conf, nginx).unwrap();
    let haproxy_cfg = on_ports(
        "behind-balancers/haproxy.cfg",
        &[ports[0], ports[1], ports[3]],
    );
    let _haproxy = ExampleServer::haproxy(&haproxy_cfg, haproxy).unwrap();
    let scenario = on_ports("behind-balancers/scenario.toml", &ports);
    let run = run(&scenario, "phone", &["devices.phone.heartbeat.every=1s"]);
    assert_all_open(&run);
    let counts = [first, second].map(|port| server_count(port, "sockets_total"));
    assert_eq!(counts.iter().sum::<u64>(), SOCKETS);
    // Each balancer splits its half evenly.
    assert!(
        counts.iter().all(|count| (95..=105).contains(count)),
        "{counts:?}"
    );
}
