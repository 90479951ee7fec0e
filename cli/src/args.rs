//! What can be asked for.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args as ClapArgs, Parser, Subcommand};
use highwater_server::{BackplaneUrl, NodeId, Routing};

/// Finds the high-water mark of a WebSocket cluster: how many sockets it
/// holds, at what cost, how fast commands still get through, what breaks
/// first, and whether a change made it worse.
#[derive(Debug, Parser)]
#[command(name = "highwater", version, propagate_version = true)]
#[command(after_help = "Examples:
  highwater run scenarios/smoke.toml
  highwater check scenarios/idle-10k.toml
  highwater run scenarios/idle-5k.toml --set devices.home.ramp=1000/s --set duration=45s
  highwater gate runs/20260102-030405-smoke")]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a scenario, report on it, judge it
    Run(Run),
    /// Validate a scenario and describe its plan; no traffic
    Check(Check),
    /// Draw the report of a run again from its record
    Report(Report),
    /// Set runs side by side, with the differences that are larger than the noise
    Compare(Compare),
    /// The verdict of a run again, as an exit code
    Gate(Gate),
    /// Run one part of the reference cluster
    #[command(subcommand)]
    Serve(Serve),
    /// Run a scenario with workers that somebody starts, on any machine
    Coordinator(Coordinator),
    /// Put on a share of the load of a coordinator's run
    Worker(Worker),
}

/// A scenario and what is changed in it.
#[derive(Debug, ClapArgs)]
pub(crate) struct ScenarioArgs {
    /// The scenario file
    pub(crate) scenario: PathBuf,
    /// Change a value of the scenario, such as devices.home.count=10000
    #[arg(long, value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,
}

/// Where a run's record goes, and what is shown meanwhile.
#[derive(Debug, ClapArgs)]
pub(crate) struct RecordArgs {
    /// Directory for the run's record, absent or empty [default: runs/TIME-NAME]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Judge against this run as well
    #[arg(long, value_name = "RUN")]
    pub(crate) baseline: Option<PathBuf>,
    /// Plain lines instead of a live one
    #[arg(long)]
    pub(crate) no_progress: bool,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  highwater run scenarios/smoke.toml
  highwater run scenarios/idle-5k.toml --set devices.home.count=10000 --out runs/ten
  highwater run scenarios/smoke.toml --baseline runs/before")]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArgs,
    #[command(flatten)]
    pub(crate) record: RecordArgs,
    /// Worker processes [default: as many as their open files demand]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) workers: Option<u32>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Report {
    /// The run's directory
    pub(crate) run: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Compare {
    /// The runs' directories; the others are compared with the first
    #[arg(required = true, num_args = 2..)]
    pub(crate) runs: Vec<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Gate {
    /// The run's directory
    pub(crate) run: PathBuf,
    /// Judge against this run as well
    #[arg(long, value_name = "RUN")]
    pub(crate) baseline: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Serve {
    /// A node: device sockets, commands, topics, metrics
    Node(ServeNode),
    /// The embedded backplane's broker
    Broker(ServeBroker),
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  highwater serve node --listen 127.0.0.1:8080 --id n1
  highwater serve broker --listen 127.0.0.1:7000
  highwater serve node --listen 127.0.0.1:8081 --id n1 --backplane local://127.0.0.1:7000")]
pub(crate) struct ServeNode {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
    /// Name of this node, unique in its cluster
    #[arg(long)]
    pub(crate) id: NodeId,
    /// What joins the nodes: local://HOST:PORT; without it, a cluster of one
    #[arg(long, value_name = "URL")]
    pub(crate) backplane: Option<BackplaneUrl>,
    /// How a command finds its device's node: directory or broadcast
    #[arg(long, default_value_t = Routing::Directory)]
    pub(crate) routing: Routing,
    /// Serve POST /admin/faults, for experiments
    #[arg(long)]
    pub(crate) allow_faults: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ServeBroker {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "Example, with two machines for the load:
  HIGHWATER_TOKEN=secret highwater coordinator scenarios/idle-10k.toml --listen 192.0.2.1:7070 --workers 2
  HIGHWATER_TOKEN=secret highwater worker --connect 192.0.2.1:7070     (on each of the two)")]
pub(crate) struct Coordinator {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArgs,
    #[command(flatten)]
    pub(crate) record: RecordArgs,
    /// Address where workers join
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
    /// Workers to wait for
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) workers: u32,
    /// Shared secret of coordinator and workers
    #[arg(long, env = "HIGHWATER_TOKEN", hide_env_values = true)]
    pub(crate) token: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Worker {
    /// The coordinator's address
    #[arg(long, value_name = "ADDR")]
    pub(crate) connect: SocketAddr,
    /// Shared secret of coordinator and workers
    #[arg(long, env = "HIGHWATER_TOKEN", hide_env_values = true)]
    pub(crate) token: String,
}
