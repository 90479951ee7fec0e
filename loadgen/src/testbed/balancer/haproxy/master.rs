//! Commands to HAProxy's master, and the workers below it.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time::timeout,
};

use super::super::super::TestbedError;

/// The longest time for one answer.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(5);

/// The most characters of an answer that an error shows.
const MAX_SHOWN_ANSWER_CHARS: usize = 300;

/// The size, in bytes, of the largest answer that is read.
const MAX_ANSWER_BYTES: u64 = 1 << 20;

/// The socket of a master.
#[derive(Debug)]
pub(super) struct MasterSocket {
    /// The balancer.
    pub(super) id: String,
    /// The path of the socket.
    pub(super) path: PathBuf,
}

/// A worker below the master.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HaproxyWorker {
    /// The process id.
    pub(super) pid: u32,
    /// The state of the worker.
    pub(super) state: HaproxyWorkerState,
}

/// The state of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HaproxyWorkerState {
    /// The worker accepts new sockets.
    Current,
    /// A reload replaced the worker, which ends with its last socket.
    Old,
}

impl MasterSocket {
    /// Returns the id of the worker that accepts new sockets.
    pub(super) async fn current_worker(&self) -> Result<u32, TestbedError> {
        let answer = self.command("show proc").await?;
        let worker = parse_workers(&answer)
            .into_iter()
            .find(|worker| worker.state == HaproxyWorkerState::Current);
        worker
            .map(|worker| worker.pid)
            .ok_or_else(|| self.rejected("show proc", "no worker accepts sockets"))
    }

    /// Returns the answer of the master, or of the worker that the command names.
    pub(super) async fn command(&self, command: &str) -> Result<String, TestbedError> {
        match timeout(COMMAND_TIMEOUT, send_command(&self.path, command)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.rejected(command, &error.to_string())),
            Err(_) => Err(self.rejected(command, "no answer")),
        }
    }

    /// The error of a command that failed.
    pub(super) fn rejected(&self, command: &str, answer: &str) -> TestbedError {
        TestbedError::ChangeRejected {
            id: self.id.clone(),
            command: command.to_owned(),
            response: answer.chars().take(MAX_SHOWN_ANSWER_CHARS).collect(),
        }
    }
}

/// Sends a command to the socket of a master and returns the answer. There is no timeout;
/// the caller sets one.
pub(super) async fn send_command(socket: &Path, command: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(format!("{command}\n").as_bytes()).await?;
    // The master ends its answer only when no further command can come.
    stream.shutdown().await?;
    let mut answer = Vec::new();
    stream
        .take(MAX_ANSWER_BYTES)
        .read_to_end(&mut answer)
        .await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Returns the workers in the answer to `show proc`, the current one first. They stand below
/// the lines `# workers` and `# old workers`.
pub(super) fn parse_workers(text: &str) -> Vec<HaproxyWorker> {
    let mut state = None;
    let mut workers = Vec::new();
    for line in text.lines() {
        match line.trim() {
            "# workers" => state = Some(HaproxyWorkerState::Current),
            "# old workers" => state = Some(HaproxyWorkerState::Old),
            title if title.starts_with('#') => state = None,
            row => {
                let pid = row.split_whitespace().next();
                let pid = pid.and_then(|pid| pid.parse().ok());
                let worker = state.zip(pid);
                workers.extend(worker.map(|(state, pid)| HaproxyWorker { pid, state }));
            }
        }
    }
    workers.sort_by_key(|worker| worker.state == HaproxyWorkerState::Old);
    workers
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROCESSES: &str = "#<PID>          <type>          <reloads>       <uptime>        <version>\n\
        8               master          2 [failed: 0]   0d00h02m27s     2.6.12\n\
        # workers\n\
        12              worker          0               0d00h00m01s     2.6.12\n\
        # old workers\n\
        9               worker          2               0d00h02m27s     2.6.12\n\
        # programs\n\n";

    #[test]
    fn workers_are_current_or_old() {
        let worker = |pid, state| HaproxyWorker { pid, state };
        assert_eq!(
            parse_workers(PROCESSES),
            [
                worker(12, HaproxyWorkerState::Current),
                worker(9, HaproxyWorkerState::Old)
            ]
        );
        assert!(parse_workers("Unknown command\n").is_empty());
    }
}
