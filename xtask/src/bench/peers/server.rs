//! The server under load.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use highwater_process::Launch;
use highwater_services::{ExampleServer, pick_free_port};

use super::{context::Bench, scrape, target::Target};
use crate::bench::process::ToolProcess;

/// The server with heartbeats in JSON.
const JSON_SERVER: &str = "examples/targets/json-heartbeat/server.py";
/// The options of that server: no WebSocket pings of its own, because Tsung does not answer them.
const JSON_OPTIONS: &[&str] = &["--ping-interval", "0"];
/// The time until the node answers.
const READY_TIMEOUT: Duration = Duration::from_secs(20);
/// The time between two looks at a server that starts.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// A running server. Dropped, it is killed.
pub(super) struct Server {
    pub(super) port: u16,
    pub(super) pid: u32,
    target: Target,
    _process: ServerProcess,
}

enum ServerProcess {
    Json { _server: ExampleServer },
    Node { _process: ToolProcess },
}

/// The server's own counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct ServerCounts {
    /// The open sockets.
    pub(super) sockets: u64,
    /// The heartbeats since its start.
    pub(super) heartbeats: u64,
}

impl Server {
    /// Starts the server of the load on a free port.
    ///
    /// # Errors
    /// A message if it does not answer.
    pub(super) fn start(bench: &Bench, directory: &Path) -> Result<Self> {
        let port = pick_free_port()?;
        match bench.load.target {
            Target::Json => Self::json(port),
            Target::Node => Self::node(bench, directory, port),
        }
    }

    /// Reads the server's own counts.
    ///
    /// # Errors
    /// A message if it does not answer or lacks a count.
    pub(super) fn counts(&self) -> Result<ServerCounts> {
        let (sockets, heartbeats) = match self.target {
            Target::Json => ("open_sockets", "heartbeats_total"),
            Target::Node => ("highwater_sockets", "highwater_heartbeats_total"),
        };
        let metrics = scrape::metrics(self.port).context("cannot read the server's /metrics")?;
        let value = |name| {
            scrape::value(&metrics, name)
                .with_context(|| format!("the server's /metrics has no {name}"))
        };
        Ok(ServerCounts {
            sockets: value(sockets)?,
            heartbeats: value(heartbeats)?,
        })
    }

    fn json(port: u16) -> Result<Self> {
        let server = ExampleServer::python(Path::new(JSON_SERVER), JSON_OPTIONS, port)?;
        Ok(Self {
            port,
            pid: server.pid(),
            target: Target::Json,
            _process: ServerProcess::Json { _server: server },
        })
    }

    fn node(bench: &Bench, directory: &Path, port: u16) -> Result<Self> {
        let listen = format!("127.0.0.1:{port}");
        let arguments = ["serve", "node", "--id", "n1", "--listen", &listen];
        let launch = Launch::new(&bench.highwater, arguments, directory.join("node.log"));
        let mut process = ToolProcess::start(&bench.spawner, launch)?;
        let deadline = Instant::now() + READY_TIMEOUT;
        while scrape::metrics(port).is_err() {
            process.check()?;
            if Instant::now() > deadline {
                bail!("the node does not answer after {READY_TIMEOUT:?}");
            }
            bench
                .interrupt
                .sleep_until(Instant::now() + POLL_INTERVAL)?;
        }
        Ok(Self {
            port,
            pid: process.pid(),
            target: Target::Node,
            _process: ServerProcess::Node { _process: process },
        })
    }
}
