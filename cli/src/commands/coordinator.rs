//! `highwater coordinator`.

use std::{net::SocketAddr, time::Duration};

use anyhow::anyhow;
use clap::Args;
use highwater_loadgen::coordinator::Workers;

use super::single_run;
use crate::{
    exit::Exit,
    failure::CliFailure,
    options::{
        RecordArgs, ScenarioArgs, TokenArgs, address::parse_address, time::parse_duration_within,
    },
};

/// Bounds of the time that workers may take to join.
const SHORTEST_JOIN: Duration = Duration::from_secs(1);
const LONGEST_JOIN: Duration = Duration::from_secs(24 * 3_600);

#[derive(Debug, Args)]
#[command(
    override_usage = "highwater coordinator --listen <ADDR> --workers <N> \
                            [OPTIONS] <SCENARIO>"
)]
#[command(after_help = "Example, with two machines for the load:
  export HIGHWATER_TOKEN=$(openssl rand -hex 16)        (the same on all)
  highwater coordinator scenarios/idle-10k.toml --listen 192.0.2.1:7070 \\
      --workers 2
  highwater worker --connect 192.0.2.1:7070             (on each of the two)")]
pub(crate) struct CoordinatorArgs {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArgs,
    #[command(flatten)]
    pub(crate) record: RecordArgs,
    /// Address where workers join, HOST:PORT
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    pub(crate) listen: SocketAddr,
    /// Workers to wait for, 1 to 1000; the run starts when all have joined
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) workers: u32,
    /// Longest time that the workers may take to join, 1s to 1d
    ///
    /// Every 10 s the coordinator says which workers are missing.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "2m",
        value_parser = parse_duration_within(SHORTEST_JOIN..=LONGEST_JOIN)
    )]
    pub(crate) join_timeout: Duration,
    #[command(flatten)]
    pub(crate) token: TokenArgs,
}

/// Runs a scenario with workers that were started by hand.
pub(crate) fn execute(args: CoordinatorArgs) -> Result<Exit, CliFailure> {
    let workers = Workers::Remote {
        listen: args.listen,
        token: args.token.into_token()?,
        count: args.workers,
        join_timeout: args.join_timeout,
    };
    let scenario = args.scenario.load_matrix()?;
    if !scenario.is_one_run() {
        return Err(too_many(scenario.runs()));
    }
    single_run::run(scenario.into_first(), &args.scenario, &args.record, workers)
}

/// Refuses a matrix: workers end with their run, so the next run would have none.
fn too_many(runs: u64) -> CliFailure {
    let error = anyhow!("a coordinator leads one run, and this scenario has {runs}");
    let hint = "choose one: --set cluster.KEY=VALUE for each list of the matrix, and \
                --set matrix.repeat=1; or use `highwater run`";
    CliFailure::new(Exit::Usage, error).with_hint(Some(hint))
}
