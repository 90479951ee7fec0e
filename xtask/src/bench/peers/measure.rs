//! The measurement of one tool, from its start to its row.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::{
    context::Bench,
    due_latency::{Pause, due_latency},
    load::Load,
    ramp::Ramp,
    row::{Measurement, Row},
    server::{Server, ServerCounts},
    stall,
    tools::{Start, Tool},
};
use crate::bench::{
    process::ToolProcess,
    process_tree::{self, TreeUsage},
};

/// The time between two looks at the server's counts.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// The longest time from the start of a tool to its first socket.
const FIRST_SOCKET_TIMEOUT: Duration = Duration::from_secs(120);
/// The longest time for a tool to end after its run.
const END_TIMEOUT: Duration = Duration::from_secs(90);
/// The time for the memory of a tool with one socket to settle.
const SETTLE: Duration = Duration::from_secs(3);
/// The time at the start and the end of the steady phase that belongs to no figure: the clocks
/// of tool and comparison differ.
const MARGIN: Duration = Duration::from_secs(1);

/// A running tool and the server that it loads.
struct Session {
    // Dropped in this order: the tool ends while its server answers.
    tool: ToolProcess,
    _helpers: Vec<ToolProcess>,
    server: Server,
    load: Load,
}

/// An instant of the steady phase.
#[derive(Clone, Copy)]
struct Sample {
    usage: TreeUsage,
    counts: ServerCounts,
}

/// Measures a tool. Its failure is the row's outcome.
pub(super) fn row(bench: &Bench, tool: &dyn Tool) -> Row {
    let version = tool.version();
    let outcome = match &version {
        None => Err("not installed".to_owned()),
        Some(_) if !tool.supports(bench.load.target) => {
            Err("cannot send WebSocket pings".to_owned())
        }
        Some(_) => measure(bench, tool).map_err(|error| format!("failed: {error:#}")),
    };
    if let Err(reason) = &outcome {
        eprintln!("   {reason}");
    }
    Row {
        tool: tool.name(),
        version,
        outcome,
    }
}

fn measure(bench: &Bench, tool: &dyn Tool) -> Result<Measurement> {
    let before_bytes = single_socket_rss(bench, tool)?;
    let directory = temporary_directory()?;
    let mut session = Session::start(bench, tool, bench.load, directory.path())?;
    let first = session.wait_for_sockets(bench, 1)?;
    let mut ramp = Ramp::default();
    let steady_start = session.follow_ramp(bench, first, &mut ramp)?;
    let end = bench.load.run_length().checked_sub(2 * MARGIN);
    let end = first + end.context("the run is too short")?;

    bench.interrupt.sleep_until(steady_start + MARGIN)?;
    let from = session.sample()?;
    let stall_at = steady_start + bench.load.steady / 2;
    let fewest_before = session.fewest_sockets(bench, stall_at)?;
    let (paused_at, length) = stall::stall(session.server.pid, &bench.interrupt)?;
    let fewest_after = session.fewest_sockets(bench, end)?;
    let to = session.sample()?;
    session.wait_for_end(bench)?;
    drop(session);

    let pause = Pause {
        from: paused_at.saturating_duration_since(steady_start),
        length,
    };
    Ok(Measurement {
        sockets: fewest_before.min(fewest_after),
        opened_per_s: ramp.rate_per_s(bench.load.sockets),
        rss_bytes: to.usage.rss_bytes,
        rss_bytes_per_socket: per_socket(before_bytes, &to),
        cpu_us_per_heartbeat: cpu_us_per_heartbeat(&from, &to),
        reported: tool.latency(directory.path())?,
        due: due_latency(bench.load, pause),
    })
}

impl Session {
    fn start(bench: &Bench, tool: &dyn Tool, load: Load, directory: &Path) -> Result<Self> {
        let server = Server::start(bench, directory)?;
        let port = server.port;
        let launches = tool.launches(&Start {
            load,
            port,
            directory,
        })?;
        let start = |launch| ToolProcess::start(&bench.spawner, launch);
        let helpers = launches.helpers.into_iter().map(start);
        Ok(Self {
            _helpers: helpers.collect::<Result<_>>()?,
            tool: start(launches.tool)?,
            server,
            load,
        })
    }

    /// Waits until the server counts so many sockets, and returns when it did.
    fn wait_for_sockets(&mut self, bench: &Bench, sockets: u64) -> Result<Instant> {
        let deadline = Instant::now() + FIRST_SOCKET_TIMEOUT;
        while self.server.counts()?.sockets < sockets {
            self.tool.check()?;
            if Instant::now() > deadline {
                bail!("the server counts no socket after {FIRST_SOCKET_TIMEOUT:?}");
            }
            bench
                .interrupt
                .sleep_until(Instant::now() + POLL_INTERVAL)?;
        }
        Ok(Instant::now())
    }

    /// Notes the server's counts until all sockets are open, or until the ramp should have ended
    /// long ago. Returns when the steady phase begins, which is not before the end of the ramp.
    fn follow_ramp(&mut self, bench: &Bench, first: Instant, ramp: &mut Ramp) -> Result<Instant> {
        loop {
            let open = self.server.counts()?.sockets;
            ramp.add(first.elapsed(), open);
            let is_open = open >= u64::from(self.load.sockets);
            if is_open || first.elapsed() > 2 * self.load.interval {
                return Ok(Instant::now().max(first + self.load.interval));
            }
            self.tool.check()?;
            bench
                .interrupt
                .sleep_until(Instant::now() + POLL_INTERVAL)?;
        }
    }

    /// Returns the fewest sockets that the server counts until `deadline`.
    fn fewest_sockets(&mut self, bench: &Bench, deadline: Instant) -> Result<u64> {
        let mut fewest = self.server.counts()?.sockets;
        while Instant::now() < deadline {
            self.tool.check()?;
            let next = Instant::now() + POLL_INTERVAL;
            bench.interrupt.sleep_until(next.min(deadline))?;
            fewest = fewest.min(self.server.counts()?.sockets);
        }
        Ok(fewest)
    }

    fn sample(&mut self) -> Result<Sample> {
        self.tool.check()?;
        let usage = process_tree::usage(self.tool.pid()).context("the tool has ended")?;
        let counts = self.server.counts()?;
        Ok(Sample { usage, counts })
    }

    /// Waits for the tool to write its report and to end. Its exit code is not looked at: a tool
    /// may fail its own run because of the stall.
    fn wait_for_end(&mut self, bench: &Bench) -> Result<()> {
        let deadline = Instant::now() + END_TIMEOUT;
        while self.tool.is_running() {
            if Instant::now() > deadline {
                bail!("the tool runs {END_TIMEOUT:?} longer than its load");
            }
            bench
                .interrupt
                .sleep_until(Instant::now() + POLL_INTERVAL)?;
        }
        Ok(())
    }
}

/// Returns the resident memory of the tool with one socket.
fn single_socket_rss(bench: &Bench, tool: &dyn Tool) -> Result<u64> {
    let directory = temporary_directory()?;
    let load = bench.load.single_socket();
    let mut session = Session::start(bench, tool, load, directory.path())?;
    session.wait_for_sockets(bench, 1)?;
    bench.interrupt.sleep_until(Instant::now() + SETTLE)?;
    Ok(session.sample()?.usage.rss_bytes)
}

fn per_socket(before_bytes: u64, with_all: &Sample) -> Option<f64> {
    let more = with_all
        .counts
        .sockets
        .checked_sub(1)
        .filter(|more| *more > 0)?;
    let bytes = with_all.usage.rss_bytes as f64 - before_bytes as f64;
    Some(bytes / more as f64)
}

fn cpu_us_per_heartbeat(from: &Sample, to: &Sample) -> Option<f64> {
    let heartbeats = to.counts.heartbeats.checked_sub(from.counts.heartbeats)?;
    let cpu = to.usage.cpu.checked_sub(from.usage.cpu)?;
    (heartbeats > 0).then(|| cpu.as_secs_f64() * 1e6 / heartbeats as f64)
}

fn temporary_directory() -> Result<tempfile::TempDir> {
    let directory = tempfile::Builder::new()
        .prefix("highwater-peers-")
        .tempdir();
    directory.context("cannot create a temporary directory")
}
