//! `highwater coordinator`.

use std::{path::Path, time::Duration};

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use highwater_loadgen::{
    bus::{OnWorkerLoss, RunId},
    coordinator::{BusWorkers, Workers},
    doctor::segment_fit,
};

use super::single_run::{self, default_out};
use crate::{
    exit::Exit,
    failure::CliFailure,
    options::{
        BusArgs, JoinArgs, RecordArgs, ScenarioArgs, bus::parse_run, join::LONGEST_JOIN,
        time::parse_duration_within,
    },
    stderr,
};

#[derive(Debug, Args)]
#[command(override_usage = "highwater coordinator --bus <URL> --workers <N> \
                            [OPTIONS] <SCENARIO>")]
#[command(after_help = "Example, with two machines for the load:
  nats-server -js                                (a third one: the bus)
  highwater coordinator ours.toml --bus nats://bus.example \\
      --workers 2 --run ours
  highwater worker --bus nats://bus.example --run ours  (on each of the two)

Values of environment variables and rows of data files do not pass through the
bus: each worker needs the variables and the files that the scenario names.
A coordinator that died goes on with the same command and --resume RUN in place
of --run RUN, where its record is.")]
pub(crate) struct CoordinatorArgs {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArgs,
    #[command(flatten)]
    pub(crate) record: RecordArgs,
    /// Workers to wait for, 1 to 1000; the run starts when all are ready
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) workers: u32,
    /// Name of the run on the bus, which workers give too [default: TIME-NAME]
    ///
    /// 1 to 64 letters, digits, - or _. The record is in runs/RUN without --out.
    #[arg(long, value_name = "RUN", value_parser = parse_run, conflicts_with = "resume")]
    pub(crate) run: Option<RunId>,
    /// Go on with a run whose coordinator died
    ///
    /// The record of the run must be here, in runs/RUN or where --out says, and the target
    /// must be a [target]: a [cluster] ends with its coordinator.
    #[arg(long, value_name = "RUN", value_parser = parse_run)]
    pub(crate) resume: Option<RunId>,
    #[command(flatten)]
    pub(crate) join: JoinArgs,
    /// Reaction to a worker that is lost
    ///
    /// A worker that shows no sign of life for 5 s is silent. The report says from
    /// when which share was missing, and the verdict is then not passed.
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    pub(crate) on_worker_loss: LossPolicy,
    /// Time without a coordinator after which workers end in order, 10s to 1d
    #[arg(
        long,
        value_name = "TIME",
        default_value = "10m",
        value_parser = parse_duration_within(Duration::from_secs(10)..=LONGEST_JOIN)
    )]
    pub(crate) resume_within: Duration,
    /// The control address of earlier versions.
    #[arg(long, hide = true)]
    pub(crate) listen: Option<String>,
    #[command(flatten)]
    pub(crate) bus: BusArgs,
}

/// The reaction to a worker that is lost.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum LossPolicy {
    /// Go on without it; a process with its index takes its share again
    #[default]
    Continue,
    /// Go on; any worker that joins takes its share
    Replace,
    /// End the run in order
    Stop,
}

impl From<LossPolicy> for OnWorkerLoss {
    fn from(policy: LossPolicy) -> Self {
        match policy {
            LossPolicy::Continue => Self::Continue,
            LossPolicy::Replace => Self::Replace,
            LossPolicy::Stop => Self::Stop,
        }
    }
}

/// Runs a scenario with workers that join over a bus.
pub(crate) fn execute(mut args: CoordinatorArgs) -> Result<Exit, CliFailure> {
    if args.listen.is_some() {
        return Err(no_listen());
    }
    let bus = args.bus.required()?;
    let scenario = args.scenario.load_matrix()?;
    if !scenario.is_one_run() {
        return Err(too_many(scenario.runs()));
    }
    let plan = scenario.into_first();
    let is_resumed = args.resume.is_some();
    let run = match args.resume.or(args.run) {
        Some(run) => run,
        None => {
            let name = default_out(&plan);
            let name = name.file_name().unwrap_or_default().to_string_lossy();
            RunId::from_text(&name)
        }
    };
    let out = args.record.out.take();
    args.record.out = Some(out.unwrap_or_else(|| Path::new("runs").join(run.as_str())));
    stderr::print_line(&format!("run     {run}"));
    let folder = args.scenario.scenario.parent();
    let workers = BusWorkers {
        bus,
        run,
        resume: is_resumed,
        count: args.workers,
        join_timeout: args.join.join_timeout,
        on_worker_loss: args.on_worker_loss.into(),
        resume_within: args.resume_within,
        folder: folder.unwrap_or(Path::new("")).to_owned(),
        misfits: segment_fit::misfits,
    };
    let workers = Workers::Bus(Box::new(workers));
    single_run::run(plan, &args.scenario, &args.record, workers)
}

/// Refuses the control address of earlier versions.
fn no_listen() -> CliFailure {
    let error = anyhow!("--listen is no longer there: workers join over a bus");
    let hint = "start a NATS server with JetStream, and write --bus nats://HOST --run RUN for \
                the coordinator and for each worker";
    CliFailure::new(Exit::Usage, error).with_hint(Some(hint))
}

/// Refuses a matrix: workers end with their run, so the next run would have none.
fn too_many(runs: u64) -> CliFailure {
    let error = anyhow!("a coordinator leads one run, and this scenario has {runs}");
    let hint = "choose one: --set cluster.KEY=VALUE for each list of the matrix, and \
                --set matrix.repeat=1; or use `highwater run`";
    CliFailure::new(Exit::Usage, error).with_hint(Some(hint))
}
