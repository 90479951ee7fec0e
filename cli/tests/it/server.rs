//! A part of the reference cluster that a test starts itself.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStderr, ChildStdout, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::harness::highwater;

/// A process that is killed when the test is over.
pub(crate) struct ServerProcess {
    pub(crate) child: Child,
    pub(crate) address: String,
    stdout: BufReader<ChildStdout>,
    stderr: BufReader<ChildStderr>,
}

impl ServerProcess {
    /// Starts `highwater` with these arguments and waits until it listens.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::spawn(highwater(arguments))
    }

    /// Starts a server with any command.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let stdout = child.stdout.take().expect("a pipe");
        let stderr = child.stderr.take().expect("a pipe");
        let mut server = Self {
            child,
            address: String::new(),
            stdout: BufReader::new(stdout),
            stderr: BufReader::new(stderr),
        };
        server.address = server.next_address("listening on ");
        server
    }

    /// Starts a cluster of one node.
    pub(crate) fn node(id: &str) -> Self {
        Self::node_with(id, &[])
    }

    /// Starts a node with more arguments.
    pub(crate) fn node_with(id: &str, more: &[&str]) -> Self {
        let arguments = ["serve", "node", "--listen", "127.0.0.1:0", "--id", id];
        Self::start(&[&arguments, more].concat())
    }

    /// Returns the address in the next line, which begins with `prefix`.
    pub(crate) fn next_address(&mut self, prefix: &str) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("a line");
        line.trim().strip_prefix(prefix).expect(prefix).to_owned()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("it is there");
    }

    /// Waits until it logs a line with `text` in it.
    pub(crate) fn wait_until_logged(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            let read = self.stderr.read_line(&mut line).expect("text");
            assert!(read > 0, "it ended and did not log {text:?}");
        }
    }

    /// Kills the server, and returns the rest of its log.
    pub(crate) fn kill_and_read_log(mut self) -> String {
        self.signal(Signal::SIGKILL);
        let mut log = String::new();
        self.stderr.read_to_string(&mut log).expect("text");
        log
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Both fail if the child has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
