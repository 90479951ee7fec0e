//! HAProxy: `show stat` of every process that its master knows.
//!
//! A reload leaves the old processes to their sockets until the last one has gone, so
//! all of them count; which nodes get new sockets is what the current one says.
//! `scur` of a server is its sessions: open WebSockets and commands under way.

use std::{io, path::Path, time::Duration};

use highwater_reports::record::names::gauge;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time::timeout,
};

use crate::sampling::Gauges;
use crate::sampling::balancer::{add_sockets, node_gauge};

/// Name of the backend whose servers are the nodes.
pub const BACKEND: &str = "nodes";

/// Longest time for all answers of a sample; below the second between two.
const SAMPLE_TIMEOUT: Duration = Duration::from_millis(800);

/// Largest answer that is read, in bytes.
const MAX_ANSWER_BYTES: u64 = 1 << 20;

/// A process of HAProxy's below its master.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HaproxyWorker {
    /// Its process id.
    pub pid: u32,
    /// Whether it takes new sockets.
    pub state: HaproxyWorkerState,
}

/// Whether a process is the one that takes new sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HaproxyWorkerState {
    /// It does.
    Current,
    /// It was told to finish.
    Old,
}

/// The answer to a command on one of HAProxy's sockets. It has no time limit of its
/// own.
///
/// # Errors
/// If nobody listens there, or the connection breaks.
pub async fn send_command(socket: &Path, command: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(format!("{command}\n").as_bytes()).await?;
    // Without this the master waits for the next command.
    stream.shutdown().await?;
    let mut answer = Vec::new();
    stream
        .take(MAX_ANSWER_BYTES)
        .read_to_end(&mut answer)
        .await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// The processes below the master, the current one first.
///
/// # Errors
/// As for [`ask`].
pub async fn workers(master: &Path) -> io::Result<Vec<HaproxyWorker>> {
    let answer = send_command(master, "show proc").await?;
    Ok(read_workers(&answer))
}

/// What all processes say; `None` if the master does not answer in time.
pub(crate) async fn gauges(master: &Path) -> Option<Gauges> {
    timeout(SAMPLE_TIMEOUT, collect_gauges(master))
        .await
        .ok()?
        .ok()
}

/// Adds the servers of one process's `show stat`.
pub(crate) fn add_stat(text: &str, age: HaproxyWorkerState, gauges: &mut Gauges) {
    let mut lines = text.lines().filter(|line| !line.is_empty());
    let Some(header) = lines.find_map(|line| line.strip_prefix("# ")) else {
        return;
    };
    let columns: Vec<&str> = header.split(',').collect();
    let column = |name: &str| columns.iter().position(|column| *column == name);
    let (Some(backend), Some(server), Some(sessions), Some(status)) = (
        column("pxname"),
        column("svname"),
        column("scur"),
        column("status"),
    ) else {
        return;
    };
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        let field = |column: usize| fields.get(column).copied().unwrap_or_default();
        let node = field(server);
        if field(backend) != BACKEND || node == "BACKEND" || !is_name(node) {
            continue;
        }
        if let Ok(sessions) = field(sessions).parse::<u32>() {
            add_sockets(gauges, node, sessions.into());
        }
        if age == HaproxyWorkerState::Current {
            let up = field(status).starts_with("UP");
            let name = node_gauge(gauge::BALANCER_NODE_UP, node);
            gauges.insert(name, f64::from(u8::from(up)));
        }
    }
}

async fn collect_gauges(master: &Path) -> io::Result<Gauges> {
    let mut gauges = Gauges::new();
    for worker in workers(master).await? {
        let asked = format!("@!{} show stat", worker.pid);
        // An old one may have ended since.
        if let Ok(text) = send_command(master, &asked).await {
            add_stat(&text, worker.state, &mut gauges);
        }
    }
    Ok(gauges)
}

/// The rows of `show proc` below `# workers` and `# old workers`.
fn read_workers(text: &str) -> Vec<HaproxyWorker> {
    let mut age = None;
    let mut workers = Vec::new();
    for line in text.lines() {
        match line.trim() {
            "# workers" => age = Some(HaproxyWorkerState::Current),
            "# old workers" => age = Some(HaproxyWorkerState::Old),
            title if title.starts_with('#') => age = None,
            row => {
                let pid = row
                    .split_whitespace()
                    .next()
                    .and_then(|pid| pid.parse().ok());
                let worker = age
                    .zip(pid)
                    .map(|(age, pid)| HaproxyWorker { pid, state: age });
                workers.extend(worker);
            }
        }
    }
    workers.sort_by_key(|worker| worker.state == HaproxyWorkerState::Old);
    workers
}

/// Servers are named after nodes.
fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
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

    const STAT: &str = "# pxname,svname,qcur,qmax,scur,smax,status\n\
        devices,FRONTEND,,,31,40,OPEN\n\
        nodes,n1,0,0,20,20,UP\n\
        nodes,n2,0,0,10,20,DRAIN\n\
        nodes,n3,0,0,0,0,DOWN 1/2\n\
        nodes,BACKEND,0,0,30,40,UP\n\n";

    #[test]
    fn processes_are_those_that_take_sockets_and_those_that_finish() {
        let worker = |pid, age| HaproxyWorker { pid, state: age };
        assert_eq!(
            read_workers(PROCESSES),
            [
                worker(12, HaproxyWorkerState::Current),
                worker(9, HaproxyWorkerState::Old)
            ]
        );
        assert!(read_workers("Unknown command\n").is_empty());
    }

    #[test]
    fn sessions_add_up_over_processes_and_states_are_the_current_ones() {
        let mut gauges = Gauges::new();
        add_stat(STAT, HaproxyWorkerState::Current, &mut gauges);
        add_stat(
            &STAT.replace("n1,0,0,20", "n1,0,0,7"),
            HaproxyWorkerState::Old,
            &mut gauges,
        );
        let expected = [
            (gauge::BALANCER_SOCKETS.to_owned(), 47.0),
            (node_gauge(gauge::BALANCER_SOCKETS_BY_NODE, "n1"), 27.0),
            (node_gauge(gauge::BALANCER_SOCKETS_BY_NODE, "n2"), 20.0),
            (node_gauge(gauge::BALANCER_SOCKETS_BY_NODE, "n3"), 0.0),
            (node_gauge(gauge::BALANCER_NODE_UP, "n1"), 1.0),
            (node_gauge(gauge::BALANCER_NODE_UP, "n2"), 0.0),
            (node_gauge(gauge::BALANCER_NODE_UP, "n3"), 0.0),
        ];
        assert_eq!(gauges, expected.into());
    }

    #[test]
    fn what_is_no_table_says_nothing() {
        for text in [
            "",
            "Unknown command",
            "# pxname,svname\nnodes,n1",
            "nodes,n1,1",
        ] {
            let mut gauges = Gauges::new();
            add_stat(text, HaproxyWorkerState::Current, &mut gauges);
            assert!(gauges.is_empty(), "{text}");
        }
    }
}
