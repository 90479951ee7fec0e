//! The chat scenario of the catalogue: sessions in Redis and rooms over three nodes of STOMP, one
//! of which is killed.

use std::{fs, path::Path};

use highwater_services::{RedisOptions, RedisService};
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::{
    harness::{
        CliRun,
        checks::{assert_messages_add_up, commands, messages},
    },
    server::ServerProcess,
};

const SCENARIO: &str = include_str!("../../../scenarios/chat.toml");
const LOGIN_SECRET: &str = "the-login-service-alone-knows-this-secret";

/// The users, and the half of a room's ten that is enough here.
const USERS: u64 = 60;
/// Changes of the scenario: fewer users, and some seconds.
const SMALL: [&str; 8] = [
    "devices.user.count=60",
    "publish.room.topics=6",
    "publish.room.publishers=12",
    "publish.room.rate=30/s",
    "duration=8s",
    "gates.all-open.check=sockets.open_at_end == 60",
    "gates.carts-read.check=commands.replied >= 350",
    "gates.delivered.check=messages.delivered >= 1000",
];

/// Starts three nodes that share a store of sessions.
fn nodes(folder: &Path, redis: &str) -> [ServerProcess; 3] {
    let file = |name: &str, secret: &str| {
        let path = folder.join(name);
        fs::write(&path, secret).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let auth = file("auth.secret", "a-secret-of-forty-characters-for-testing");
    let login = file("login.secret", LOGIN_SECRET);
    ["n1", "n2", "n3"].map(|id| {
        ServerProcess::node_with(
            id,
            &[
                "--backplane",
                redis,
                "--session-store",
                redis,
                "--auth-secret-file",
                &auth,
                "--login-secret-file",
                &login,
            ],
        )
    })
}

#[test]
fn sessions_and_rooms_survive_the_node_that_made_them() {
    let redis = RedisService::start(RedisOptions::default()).unwrap();
    let folder = TempDir::new().unwrap();
    let nodes = nodes(folder.path(), &redis.url());
    let documented = ["127.0.0.1:8081", "127.0.0.1:8082", "127.0.0.1:8083"];
    let scenario =
        documented
            .iter()
            .zip(&nodes)
            .fold(SCENARIO.to_owned(), |text, (address, node)| {
                assert!(text.contains(address), "{address}");
                text.replace(address, &node.address)
            });
    let sets = SMALL.iter().flat_map(|set| ["--set", set]);
    let run = CliRun::launch("run", &scenario, |command| {
        command.args(sets).env("LOGIN_SECRET", LOGIN_SECRET)
    });
    run.wait_until_steady(2.0);
    let [n1, n2, n3] = nodes;
    n1.signal(Signal::SIGKILL);
    let run = run.finish();
    let summary = run.summary();
    let output = format!("{}{}", run.stdout, run.stderr);

    // All sessions were made by n1, and each is read at the other nodes after its death.
    let commands = commands(&summary);
    assert!(commands.replied >= 350, "{output}");
    // Requests on their way to n1 when it died; the session itself was never the problem.
    let broken = run.counted("commands.failed.connection");
    assert_eq!(commands.failed, broken, "{output}");
    assert_eq!(commands.not_connected, 0, "{output}");

    assert_eq!(summary.sockets.open_at_end, Some(USERS), "{output}");
    assert_eq!(run.counted("login.succeeded"), USERS);
    let messages = messages(&summary);
    assert_messages_add_up(messages);
    assert!(messages.delivered >= 1_000, "{messages:?}");
    assert_eq!(messages.duplicated, 0, "{messages:?}");
    assert_eq!(messages.reordered, 0, "{messages:?}");
    assert!(!run.file("manifest.json").contains(LOGIN_SECRET));
    drop((n2, n3));
}
