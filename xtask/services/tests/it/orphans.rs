//! No service outlives the process that started it, whichever way that process ends.

use std::{
    env,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
};

use highwater_services::{RedisOptions, RedisService};

/// Set for the process that starts a service and is killed.
const VICTIM: &str = "HIGHWATER_SERVICES_VICTIM";

#[test]
fn service_ends_with_a_killed_parent() {
    let mut victim = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "orphans::service_owner_waits_to_be_killed",
            "--nocapture",
        ])
        .env(VICTIM, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let line = lines
        .map_while(Result::ok)
        .find(|line| line.contains("service="))
        .unwrap();
    let (pid, directory) = line.rsplit_once('=').unwrap().1.split_once(' ').unwrap();
    let service = PathBuf::from(format!("/proc/{pid}"));
    assert!(service.exists());
    victim.kill().unwrap();
    victim.wait().unwrap();
    while service.exists() {
        std::thread::yield_now();
    }
    // A killed process cannot remove its directory.
    std::fs::remove_dir_all(directory).unwrap();
}

/// Does nothing but in the process that the test above starts and kills.
#[test]
fn service_owner_waits_to_be_killed() {
    if env::var_os(VICTIM).is_none() {
        return;
    }
    // From a thread that ends: the service must outlive that.
    let start = || RedisService::start(RedisOptions::default()).unwrap();
    let redis = std::thread::spawn(start).join().unwrap();
    assert!(redis.is_ready());
    let directory = redis.directory().display();
    println!("service={} {directory}", redis.pid().unwrap());
    loop {
        std::thread::park();
    }
}
