//! Load from several machines.

use std::net::SocketAddr;

use clap::Args;

use super::{RecordArgs, ScenarioArgs};

#[derive(Debug, Args)]
#[command(
    override_usage = "highwater coordinator --listen <ADDR> --workers <N> \
                            [OPTIONS] <SCENARIO>"
)]
#[command(after_help = "Example, with two machines for the load:
  export HIGHWATER_TOKEN=secret                         (on all of them)
  highwater coordinator scenarios/idle-10k.toml --listen 192.0.2.1:7070 \\
      --workers 2
  highwater worker --connect 192.0.2.1:7070             (on each of the two)")]
pub(crate) struct CoordinatorArgs {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArgs,
    #[command(flatten)]
    pub(crate) record: RecordArgs,
    /// Address where workers join, HOST:PORT
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
    /// Workers to wait for, 1 to 1000; the run starts when all have joined
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) workers: u32,
    /// Shared secret of coordinator and workers
    ///
    /// Better given by the variable: a command line can be read by every user
    /// of the machine.
    #[arg(long, env = "HIGHWATER_TOKEN", hide_env_values = true)]
    pub(crate) token: String,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  HIGHWATER_TOKEN=secret highwater worker --connect 192.0.2.1:7070

A worker is told everything else by its coordinator, and ends with the run.")]
pub(crate) struct WorkerArgs {
    /// The coordinator's address, HOST:PORT
    #[arg(long, value_name = "ADDR")]
    pub(crate) connect: SocketAddr,
    /// Shared secret of coordinator and workers
    ///
    /// Better given by the variable: a command line can be read by every user
    /// of the machine.
    #[arg(long, env = "HIGHWATER_TOKEN", hide_env_values = true)]
    pub(crate) token: String,
}
