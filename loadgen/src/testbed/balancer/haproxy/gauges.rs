//! The gauges in `show stat` of every HAProxy worker.
//!
//! A reload leaves old workers alive until their last socket closes, so the sockets of all
//! workers count. The current worker alone says which nodes are up. `scur` of a server is its
//! sessions: open WebSockets and commands in flight.

use std::{io, path::PathBuf, time::Duration};

use futures_util::future::{BoxFuture, FutureExt};
use highwater_reports::record::names::gauge;
use reqwest::Client;
use tokio::time::timeout;

use super::{
    config::BACKEND,
    master::{HaproxyWorkerState, parse_workers, send_command},
};
use crate::{
    sampling::{GaugeSource, Gauges},
    testbed::balancer::gauges::{add_sockets, node_gauge},
};

/// The longest time for all answers of one sample. It lies below the second between two
/// samples.
const SAMPLE_TIMEOUT: Duration = Duration::from_millis(800);

/// The source of HAProxy's gauges: its master socket.
#[derive(Debug)]
pub(super) struct HaproxyGauges {
    /// The path of the socket.
    pub(super) master: PathBuf,
}

impl HaproxyGauges {
    async fn collect(&self) -> io::Result<Gauges> {
        let mut gauges = Gauges::new();
        let processes = send_command(&self.master, "show proc").await?;
        for worker in parse_workers(&processes) {
            let command = format!("@!{} show stat", worker.pid);
            // An old worker may have ended since the list was made.
            if let Ok(text) = send_command(&self.master, &command).await {
                add_stat(&text, worker.state, &mut gauges);
            }
        }
        Ok(gauges)
    }
}

impl GaugeSource for HaproxyGauges {
    fn read<'s>(&'s self, _client: &'s Client) -> BoxFuture<'s, Option<Gauges>> {
        timeout(SAMPLE_TIMEOUT, self.collect())
            .map(|collected| collected.ok()?.ok())
            .boxed()
    }

    fn has_children(&self) -> bool {
        true
    }
}

/// Reads the gauges in the current worker's `show stat`.
pub(super) fn parse(text: &str) -> Gauges {
    let mut gauges = Gauges::new();
    add_stat(text, HaproxyWorkerState::Current, &mut gauges);
    gauges
}

/// Adds the servers in one worker's `show stat`, a CSV table with a header line.
fn add_stat(text: &str, worker: HaproxyWorkerState, gauges: &mut Gauges) {
    let mut lines = text.lines().filter(|line| !line.is_empty());
    let Some(header) = lines.find_map(|line| line.strip_prefix("# ")) else {
        return;
    };
    // Columns are found by name, because versions insert new ones.
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
        // The row `BACKEND` is the sum of the servers.
        if field(backend) != BACKEND || node == "BACKEND" || !is_node_name(node) {
            continue;
        }
        if let Ok(sessions) = field(sessions).parse::<u32>() {
            add_sockets(gauges, node, sessions.into());
        }
        if worker == HaproxyWorkerState::Current {
            let is_up = field(status).starts_with("UP");
            let name = node_gauge(gauge::BALANCER_NODE_UP, node);
            gauges.insert(name, f64::from(u8::from(is_up)));
        }
    }
}

/// Whether a server's name can be a node's. Any other text would become part of a gauge's
/// name.
fn is_node_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "# pxname,svname,qcur,qmax,scur,smax,status\n\
        devices,FRONTEND,,,31,40,OPEN\n\
        nodes,n1,0,0,20,20,UP\n\
        nodes,n2,0,0,10,20,DRAIN\n\
        nodes,n3,0,0,0,0,DOWN 1/2\n\
        nodes,BACKEND,0,0,30,40,UP\n\n";

    #[test]
    fn sessions_add_up_over_workers_and_the_current_one_says_which_nodes_are_up() {
        let mut gauges = parse(STAT);
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
    fn other_text_has_no_gauges() {
        for text in [
            "",
            "Unknown command",
            "# pxname,svname\nnodes,n1",
            "nodes,n1,1",
        ] {
            assert!(parse(text).is_empty(), "{text}");
        }
    }
}
