//! `cargo xtask services`: up, status, down, with a state of their own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

/// A temporary directory with services of its own. Dropping it ends every service
/// in it.
struct ServicesSandbox(tempfile::TempDir);

impl ServicesSandbox {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn services(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_xtask"))
            .arg("services")
            .args(arguments)
            // The state file lies below it, so tests do not see the services of the developer.
            .env("TMPDIR", self.0.path())
            // anyhow would add a backtrace to the text of an error.
            .env_remove("RUST_BACKTRACE")
            .output()
            .unwrap()
    }

    /// Runs a command that must succeed, and returns its output.
    fn run_successfully(&self, arguments: &[&str]) -> String {
        let output = self.services(arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{stderr}");
        stderr
    }

    /// Runs a command that must fail, and returns its error output.
    fn run_rejected(&self, arguments: &[&str]) -> String {
        let output = self.services(arguments);
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    }

    fn state(&self) -> Value {
        let user = nix::unistd::geteuid();
        let path = format!("highwater-services-{user}/state.json");
        serde_json::from_slice(&std::fs::read(self.0.path().join(path)).unwrap()).unwrap()
    }
}

impl Drop for ServicesSandbox {
    fn drop(&mut self) {
        self.services(&["down"]);
    }
}

fn pid(process: &Value) -> i32 {
    process["pid"].as_i64().unwrap().try_into().unwrap()
}

fn wait_for_exit(pid: i32) {
    let process = PathBuf::from(format!("/proc/{pid}"));
    while is_running(&process) {
        std::thread::yield_now();
    }
}

/// Whether the process runs. A zombie does not count as running.
fn is_running(process: &Path) -> bool {
    std::fs::read_to_string(process.join("stat"))
        .is_ok_and(|stat| !stat.rsplit_once(") ").unwrap().1.starts_with('Z'))
}

#[test]
fn up_status_and_down_work_together() {
    let sandbox = ServicesSandbox::new();
    assert!(
        sandbox
            .run_successfully(&["status"])
            .contains("no services are up")
    );

    let up = sandbox.run_successfully(&["up", "redis", "nats"]);
    let state = sandbox.state();
    let services = state["services"].as_array().unwrap();
    assert_eq!(services.len(), 2);
    for service in services {
        assert!(up.contains(service["url"].as_str().unwrap()), "{up}");
    }
    let status = sandbox.run_successfully(&["status"]);
    assert_eq!(status.matches("  answers").count(), 2, "{status}");
    let again = sandbox.run_rejected(&["up", "redis"]);
    assert!(
        again.contains("hint: `cargo xtask services down`"),
        "{again}"
    );

    sandbox.run_successfully(&["down"]);
    for service in services {
        wait_for_exit(pid(&service["servers"][0]));
        assert!(!Path::new(service["directory"].as_str().unwrap()).exists());
    }
    assert!(
        sandbox
            .run_successfully(&["status"])
            .contains("no services are up")
    );
}

#[test]
fn dead_service_is_reported() {
    let sandbox = ServicesSandbox::new();
    sandbox.run_successfully(&["up", "redis"]);
    let server = pid(&sandbox.state()["services"][0]["servers"][0]);
    kill(Pid::from_raw(server), Signal::SIGKILL).unwrap();
    wait_for_exit(server);
    let status = sandbox.run_rejected(&["status"]);
    assert!(status.contains("no answer from: redis"), "{status}");
}

#[test]
fn services_end_with_their_supervisor() {
    let sandbox = ServicesSandbox::new();
    sandbox.run_successfully(&["up", "redis"]);
    let state = sandbox.state();
    let supervisor = pid(&state["supervisor"]);
    kill(Pid::from_raw(supervisor), Signal::SIGKILL).unwrap();
    // The kernel kills the server when one thread of the supervisor ends, which may be
    // before the supervisor itself has ended.
    wait_for_exit(supervisor);
    wait_for_exit(pid(&state["services"][0]["servers"][0]));
    assert!(
        sandbox
            .run_successfully(&["status"])
            .contains("no services are up")
    );
}

#[test]
fn unknown_service_is_refused() {
    let stderr = ServicesSandbox::new().run_rejected(&["up", "mqtt"]);
    let expected = "expected redis, redis-cluster, nats, rabbitmq";
    assert!(stderr.contains(expected), "{stderr}");
}
