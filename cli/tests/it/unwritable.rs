//! Standard output and standard error that cannot be written.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Write},
    process::{Child, Stdio},
    thread,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::harness::{ask, eventually, highwater};

const SMALL: &str = r#"
name = "small"
duration = "1s"
[cluster]
nodes = 1
[[devices]]
name = "home"
count = 5
ramp = "20/s"
heartbeat = "1s"
"#;

/// A node whose log goes to a pipe of the test.
struct LoggingNode {
    child: Child,
    address: String,
}

impl LoggingNode {
    fn start(log: impl Into<Stdio>) -> Self {
        let mut child = highwater(&["serve", "node", "--listen", "127.0.0.1:0", "--id", "n1"])
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap();
        Self {
            address: address.to_owned(),
            child,
        }
    }

    fn get(&self, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nHost: n1\r\nConnection: close\r\n\r\n");
        ask(&self.address, &request)
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    /// Ends the node in order.
    fn drain(mut self) {
        self.signal(Signal::SIGTERM);
        let ended = eventually("the end of the node", || self.child.try_wait().unwrap());
        assert_eq!(ended.code(), Some(0));
    }
}

impl Drop for LoggingNode {
    fn drop(&mut self) {
        // Both fail if the child has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns a file on which every write fails for lack of space.
fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

#[test]
fn run_on_full_streams_ends_with_its_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let [scenario, record] = ["small.toml", "run"].map(|name| folder.path().join(name));
    fs::write(&scenario, SMALL).unwrap();
    let [scenario, record] = [&scenario, &record].map(|path| path.to_str().unwrap());
    let mut run = highwater(&["run", scenario, "--out", record]);
    let code = run.stdout(full()).stderr(full()).status().unwrap().code();
    assert!(folder.path().join("run/report.html").exists());
    let verdict = highwater(&["gate", record]).output().unwrap();
    assert_eq!(code, verdict.status.code(), "{verdict:?}");
    // The words of `report` are all that its exit code would say otherwise.
    let report = highwater(&["report", record])
        .stdout(full())
        .output()
        .unwrap();
    assert_eq!(report.status.code(), Some(1), "{report:?}");
    // The exit code of `gate` is its verdict, and stderr says that the words are lost.
    let gate = highwater(&["gate", record])
        .stdout(full())
        .output()
        .unwrap();
    assert_eq!(gate.status.code(), code);
    let text = String::from_utf8_lossy(&gate.stderr).into_owned();
    assert!(
        text.contains("cannot write the result to standard output"),
        "{text}"
    );
}

#[test]
fn result_on_a_full_stream_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("small.toml");
    fs::write(&scenario, SMALL).unwrap();
    let scenario = scenario.to_str().unwrap();
    for arguments in [
        &["metrics"][..],
        &["metrics", "--json"],
        &["check", scenario],
        &["doctor"],
        &["completions", "bash"],
        &["man"],
        &["--help"],
        &["--version"],
    ] {
        let output = highwater(arguments).stdout(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            text.contains("cannot write the result to standard output"),
            "{text}"
        );
    }
}

#[test]
fn result_without_a_reader_ends_as_sigpipe_does() {
    for arguments in [&["metrics"][..], &["--help"]] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let output = highwater(arguments).stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(141), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}

#[test]
fn error_on_a_full_stream_keeps_its_exit_code() {
    let mut gate = highwater(&["gate", "nowhere"]);
    let code = gate.stdout(full()).stderr(full()).status().unwrap().code();
    assert_eq!(code, Some(2));
}

#[test]
fn node_whose_log_is_not_read_serves_and_drains() {
    let (reader, writer) = io::pipe().unwrap();
    let mut filler = writer.try_clone().unwrap();
    // Fills the pipe, and blocks until the reader is dropped.
    let filling = thread::spawn(move || filler.write_all(&vec![b'.'; 1 << 22]));
    let node = LoggingNode::start(writer);
    for _ in 0..20 {
        node.signal(Signal::SIGHUP);
        assert!(node.get("/readyz").starts_with("HTTP/1.1 200"));
    }
    node.drain();
    assert!(!filling.is_finished(), "the pipe was never full");
    drop(reader);
    assert!(filling.join().unwrap().is_err());
}

#[test]
fn node_whose_log_has_no_reader_serves_and_counts_what_is_lost() {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let node = LoggingNode::start(writer);
    eventually("a lost line is counted", || {
        let metrics = node.get("/metrics");
        let name = "highwater_log_lines_dropped_total ";
        let lost = metrics.lines().find_map(|line| line.strip_prefix(name));
        (lost? != "0").then_some(())
    });
    assert!(node.get("/readyz").starts_with("HTTP/1.1 200"));
    node.drain();
}
