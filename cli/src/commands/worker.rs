//! `highwater worker`.

use std::{fs::OpenOptions, io, net::SocketAddr, path::PathBuf, str::FromStr};

use anyhow::anyhow;
use clap::Args;
use highwater_loadgen::{
    bus::RunId,
    doctor::segment_fit::worker_capacity,
    sampling::raise_open_files,
    worker::{self, BusWorkerOptions, IndexChoice, WorkerOptions},
};
use nix::unistd::dup2_stdout;

use super::signals::fail_writes_of_large_files;
use crate::{
    exit::Exit,
    failure::CliFailure,
    options::{BindArgs, BusArgs, JoinArgs, TokenArgs, address::parse_address, bus::parse_run},
    runtime::{init_logging, runtime},
};

#[derive(Debug, Args)]
#[command(override_usage = "highwater worker --bus <URL> --run <RUN> [OPTIONS]")]
#[command(after_help = "Example:
  highwater worker --bus nats://bus.example --run idle

A worker gets the plan over the bus and ends with the run. Variables and files
that the scenario names must be on the worker's machine, data files the same as
the coordinator's.")]
pub(crate) struct WorkerArgs {
    /// Name of the run, as the coordinator prints it
    #[arg(long, value_name = "RUN", value_parser = parse_run)]
    pub(crate) run: Option<RunId>,
    /// Share of the run, from 0, or auto
    ///
    /// auto reads JOB_COMPLETION_INDEX (Kubernetes), SLURM_PROCID or TASK_SLOT (a
    /// Swarm service sets it to {{.Task.Slot}}); without them any free share is
    /// taken.
    #[arg(long, value_name = "auto|N", default_value = "auto")]
    pub(crate) index: Index,
    #[command(flatten)]
    pub(crate) join: JoinArgs,
    /// Folder in place of the scenario's, where its files are on this machine
    #[arg(long, value_name = "DIR")]
    pub(crate) files: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) bind: BindArgs,
    /// The control address of the coordinator that has started this process.
    #[arg(long, hide = true, value_parser = parse_address)]
    pub(crate) connect: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) token: TokenArgs,
    #[command(flatten)]
    pub(crate) bus: BusArgs,
}

/// The choice of a share.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Index {
    /// The share that the scheduler's number says.
    Auto,
    /// The share of this number.
    Fixed(u32),
}

impl FromStr for Index {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            number => number
                .parse()
                .map(Self::Fixed)
                .map_err(|_| "expected auto, or a number from 0"),
        }
    }
}

/// Puts on a share of a run's load.
pub(crate) fn execute(args: WorkerArgs) -> Result<Exit, CliFailure> {
    init_logging();
    match args.connect {
        Some(address) => join_local(address, args),
        None => join_over_bus(args),
    }
}

/// Joins the coordinator that has started this process.
fn join_local(address: SocketAddr, args: WorkerArgs) -> Result<Exit, CliFailure> {
    if !address.ip().is_loopback() {
        let error = anyhow!("--connect {address} is no longer there: workers join over a bus");
        let hint = "write --bus nats://HOST --run RUN, as for the coordinator";
        return Err(CliFailure::new(Exit::Usage, error).with_hint(Some(hint)));
    }
    let options = WorkerOptions {
        coordinator: address,
        token: args.token.into_token()?,
        bind: args.bind.into_addresses(),
    };
    run_to_end(worker::run(options))
}

fn join_over_bus(args: WorkerArgs) -> Result<Exit, CliFailure> {
    let bus = args.bus.required()?;
    let run = args.run.ok_or_else(|| {
        CliFailure::new(Exit::Usage, anyhow!("no run is given"))
            .with_hint(Some("--run RUN, as the coordinator prints it"))
    })?;
    let open_files = raise_open_files().map_err(CliFailure::internal)?;
    let options = BusWorkerOptions {
        bus,
        run,
        index: index_choice(args.index)?,
        join_timeout: args.join.join_timeout,
        files: args.files,
        capacity: worker_capacity(open_files, args.bind.into_addresses()),
        dialect: None,
    };
    run_to_end(worker::run_on_bus(options))
}

fn index_choice(index: Index) -> Result<IndexChoice, CliFailure> {
    let Index::Fixed(index) = index else {
        let choice = IndexChoice::from_environment(|name| std::env::var(name).ok());
        return choice.map_err(|(name, value)| {
            let error = anyhow!("invalid {name} {value}: expected the number of this process");
            let hint = "unset it, or give the share with --index N";
            CliFailure::new(Exit::Usage, error).with_hint(Some(hint))
        });
    };
    Ok(IndexChoice::Fixed(index))
}

fn run_to_end(
    part: impl Future<Output = Result<(), worker::WorkerError>>,
) -> Result<Exit, CliFailure> {
    discard_stdout().map_err(CliFailure::internal)?;
    runtime()?.block_on(async {
        fail_writes_of_large_files().map_err(CliFailure::internal)?;
        part.await.map_err(CliFailure::from)
    })?;
    Ok(Exit::Passed)
}

/// Sends stdout, which a worker has no use for, to `/dev/null`. Goose prints there that its
/// users are launched, and panics if the disk is full or the pipe closed.
fn discard_stdout() -> io::Result<()> {
    let null = OpenOptions::new().write(true).open("/dev/null")?;
    Ok(dup2_stdout(null)?)
}
