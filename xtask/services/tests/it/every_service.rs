//! What every service promises.

use std::path::Path;

use highwater_services::{Kind, Service};

fn exists(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// The state letter of `/proc/PID/stat`, behind the name in brackets.
fn state(pid: u32) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let rest = stat.rsplit_once(") ").unwrap().1;
    rest.chars().next().unwrap()
}

/// `program` is what the server's process must be, not a script that waits for it.
fn check(kind: Kind, program: &str) {
    let mut service = kind.start().unwrap();
    for pid in service.pids() {
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
        assert_eq!(name.trim_end(), program);
    }
    let url = service.url();
    assert_eq!(service.name(), kind.name());
    assert!(service.answers() && kind.answers(&url), "{url}");

    paused_and_resumed(&service);

    let killed = service.pids();
    service.kill();
    assert!(killed.iter().all(|pid| !exists(*pid)));
    assert_eq!(service.pid(), None);
    assert!(!service.answers() && !kind.answers(&url));
    assert!(service.pause().is_err());

    service.start_again().unwrap();
    assert_eq!(service.url(), url);
    assert!(kind.answers(&url));
    assert_eq!(service.pids().len(), killed.len());

    let (pids, directory) = (service.pids(), service.directory().to_owned());
    drop(service);
    assert!(pids.iter().all(|pid| !exists(*pid)));
    assert!(!directory.exists());
}

fn paused_and_resumed(service: &Service) {
    let pids = service.pids();
    service.pause().unwrap();
    // The signal is delivered before kill(2) returns; the state follows when the
    // process is next scheduled.
    for pid in &pids {
        while state(*pid) != 'T' {
            std::thread::yield_now();
        }
    }
    service.resume().unwrap();
    assert!(service.answers());
    assert!(pids.iter().all(|pid| state(*pid) != 'T'));
}

#[test]
fn redis() {
    check(Kind::Redis, "redis-server");
}

#[test]
fn redis_cluster() {
    check(Kind::RedisCluster, "redis-server");
}

#[test]
fn nats() {
    check(Kind::Nats, "nats-server");
}

#[test]
fn rabbitmq() {
    check(Kind::RabbitMq, "beam.smp");
}

#[test]
fn nginx() {
    check(Kind::Nginx, "nginx");
}

#[test]
fn haproxy() {
    check(Kind::Haproxy, "haproxy");
}
