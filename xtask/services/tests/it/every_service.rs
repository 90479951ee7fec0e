//! A conformance suite that runs against every service.

use std::path::Path;

use highwater_services::{Service, ServiceKind, python::KAFKA_BROKERS};

fn exists(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// Returns the state letter of `/proc/PID/stat`, behind the name in brackets.
fn state(pid: u32) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let rest = stat.rsplit_once(") ").unwrap().1;
    rest.chars().next().unwrap()
}

/// Checks a service whose process must be `program`, and not a script that waits for it.
fn check(kind: ServiceKind, program: &str) {
    let mut service = kind.start().unwrap();
    for pid in service.pids() {
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
        assert_eq!(name.trim_end(), program);
    }
    let url = service.url();
    assert_eq!(service.name(), kind.name());
    assert!(service.is_ready() && kind.is_ready_at(&url), "{url}");

    paused_and_resumed(&service);

    let killed = service.pids();
    service.kill();
    assert!(killed.iter().all(|pid| !exists(*pid)));
    assert_eq!(service.pid(), None);
    assert!(!service.is_ready() && !kind.is_ready_at(&url));
    assert!(service.pause().is_err());

    service.restart().unwrap();
    assert_eq!(service.url(), url);
    assert!(kind.is_ready_at(&url));
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
    assert!(service.is_ready());
    assert!(pids.iter().all(|pid| state(*pid) != 'T'));
}

#[test]
fn redis() {
    check(ServiceKind::Redis, "redis-server");
}

#[test]
fn redis_cluster() {
    check(ServiceKind::RedisCluster, "redis-server");
}

#[test]
fn nats() {
    check(ServiceKind::Nats, "nats-server");
}

#[test]
fn rabbitmq() {
    check(ServiceKind::RabbitMq, "beam.smp");
}

#[test]
fn rabbitmq_cluster() {
    check(ServiceKind::RabbitMqCluster, "beam.smp");
}

#[test]
fn activemq() {
    check(ServiceKind::ActiveMq, "java");
}

#[test]
fn activemq_network() {
    check(ServiceKind::ActiveMqNetwork, "java");
}

#[test]
fn ministack() {
    check(ServiceKind::Ministack, "ministack");
}

#[test]
fn ministack_stream() {
    check(ServiceKind::MinistackStream, "ministack");
}

#[test]
fn nginx() {
    check(ServiceKind::Nginx, "nginx");
}

#[test]
fn haproxy() {
    check(ServiceKind::Haproxy, "haproxy");
}

#[test]
fn pubsub() {
    match ServiceKind::PubSub.missing_optional() {
        None => check(ServiceKind::PubSub, "java"),
        Some(error) => eprintln!("skipped: {error}"),
    }
}

/// Checks a broker of a Python package, if the package is installed.
fn check_kafka(kind: ServiceKind, program: &str) {
    match KAFKA_BROKERS.interpreter() {
        Ok(_) => check(kind, program),
        #[expect(clippy::print_stderr, reason = "the reason for a skipped test")]
        Err(error) => eprintln!("skipped: {error}"),
    }
}

#[test]
fn kafka() {
    check_kafka(ServiceKind::Kafka, "noida-db");
}

#[test]
fn tansu() {
    check_kafka(ServiceKind::Tansu, "tansu");
}
