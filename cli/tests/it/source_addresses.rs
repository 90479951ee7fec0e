//! The local addresses of sockets, as the target sees them.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, TcpListener},
    sync::Arc,
    thread,
};

use parking_lot::Mutex;

use crate::harness::{CliRun, highwater};

/// A target that notes the addresses of its clients, and closes each connection.
struct NotingTarget {
    port: u16,
    clients: Arc<Mutex<BTreeSet<IpAddr>>>,
}

impl NotingTarget {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let clients = Arc::<Mutex<BTreeSet<IpAddr>>>::default();
        let noted = Arc::clone(&clients);
        thread::spawn(move || {
            for accepted in listener.incoming() {
                // An error says that the client has left already.
                if let Ok(client) = accepted.and_then(|stream| stream.peer_addr()) {
                    noted.lock().insert(client.ip());
                }
            }
        });
        Self { port, clients }
    }
}

fn scenario(port: u16) -> String {
    format!(
        r#"
        name = "bound"
        duration = "1s"
        [target]
        ws = "ws://127.0.0.1:{port}/"
        dialect = "plain"
        [[devices]]
        name = "home"
        count = 20
        ramp = "100/s"
        "#
    )
}

#[test]
fn local_workers_of_a_run_connect_from_the_given_addresses() {
    let target = NotingTarget::start();
    let arguments = ["--bind", "127.0.0.5-127.0.0.6", "--workers", "2"];
    CliRun::start_with(&scenario(target.port), &arguments).finish();
    let mut clients = target.clients.lock().clone();
    // The coordinator looks whether the target answers.
    clients.remove(&Ipv4Addr::LOCALHOST.into());
    let expected = [[127, 0, 0, 5], [127, 0, 0, 6]].map(IpAddr::from);
    assert_eq!(clients, expected.into());
}

#[test]
fn address_of_another_machine_is_refused_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("s.toml"), scenario(1)).unwrap();
    for command in ["run", "doctor"] {
        // An address for documentation, which no machine has.
        let mut refused = highwater(&[command, "s.toml", "--bind", "127.0.0.1,192.0.2.1"]);
        let refused = refused.current_dir(folder.path()).output().unwrap();
        let text = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{text}");
        assert!(text.contains("cannot connect from 192.0.2.1"), "{text}");
        assert!(!folder.path().join("runs").exists());
    }
}
