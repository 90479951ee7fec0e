//! Lines in the logs of cluster processes that a person acts on.

use nix::sys::signal::Signal;

use crate::{harness::highwater, server::ServerProcess};

const SECRET: &str = "a secret of at least 32 bytes, for this test";

fn broker() -> (ServerProcess, String) {
    let broker = ServerProcess::start(&["serve", "broker", "--listen", "127.0.0.1:0"]);
    let url = format!("local://{}", broker.address);
    (broker, url)
}

#[test]
fn gateway_logs_why_a_node_is_down() {
    let (_broker, url) = broker();
    let node = ServerProcess::node_with("n1", &["--backplane", &url]);
    let gateway = ["serve", "gateway", "--id", "g1", "--listen", "localhost:0"];
    let mut gateway = ServerProcess::start(&[&gateway[..], &["--backplane", &url]].concat());
    gateway.wait_until_logged("health=\"up\"");
    node.signal(Signal::SIGSTOP);
    gateway.wait_until_logged("no answer to /readyz within 1s");
}

#[test]
fn node_warns_of_sessions_that_other_nodes_do_not_find() {
    let (_broker, url) = broker();
    let mut command = highwater(&["serve", "node", "--id", "n1", "--listen", "127.0.0.1:0"]);
    command
        .args(["--auth", "--backplane", &url])
        .env("HIGHWATER_AUTH_SECRET", SECRET)
        .env("HIGHWATER_LOGIN_SECRET", SECRET);
    let mut node = ServerProcess::spawn(command);
    node.wait_until_logged("--session-store redis://HOST:PORT");
}
