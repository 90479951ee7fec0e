//! Processes, and waiting until something is so.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use nix::unistd::Pid;

/// Longest that any condition is waited for.
const TEST_TIMEOUT: Duration = Duration::from_secs(90);
/// The header with the length of an HTTP message.
const LENGTH: &str = "Content-Length";

/// Returns the command `highwater` with these arguments.
pub(crate) fn highwater(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_highwater"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Sends an HTTP request to the server at `address`, and returns the whole response. Its length is
/// taken from its header, because some servers keep the connection open.
pub(crate) fn ask(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut stream = BufReader::new(stream);
    let mut answer = String::new();
    let mut length = u64::MAX;
    while !answer.ends_with("\r\n\r\n") {
        let start = answer.len();
        if stream.read_line(&mut answer).expect("it answers") == 0 {
            return answer;
        }
        let header = answer[start..].split_once(':');
        if let Some((_, value)) = header.filter(|(name, _)| name.eq_ignore_ascii_case(LENGTH)) {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = stream.take(length);
    body.read_to_string(&mut answer).expect("it answers");
    answer
}

/// Waits until `condition` gives something.
pub(crate) fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(
            started.elapsed() < TEST_TIMEOUT,
            "{what}: not within {TEST_TIMEOUT:?}"
        );
        #[expect(
            clippy::disallowed_methods,
            reason = "a pause between two looks at a condition"
        )]
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Whether a process runs (a zombie does not).
pub(crate) fn is_running(pid: Pid) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        // The name in brackets may hold anything, brackets included.
        stat.rsplit(") ")
            .next()
            .is_some_and(|rest| !rest.starts_with('Z'))
    })
}

/// Returns all processes below `pid`.
pub(crate) fn child_pids(pid: Pid) -> Vec<Pid> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|children| {
            children
                .split_whitespace()
                .filter_map(|pid| pid.parse().ok().map(Pid::from_raw))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Returns the arguments of a process.
pub(super) fn command_line(pid: Pid) -> Option<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    Some(String::from_utf8_lossy(&line).replace('\0', " "))
}
