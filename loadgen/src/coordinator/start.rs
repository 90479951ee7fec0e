//! Everything up to the go: the record, the system, the workers.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use chrono::Utc;
use highwater_process::{Child, Launch, Spawner};
use highwater_reports::{
    RecordWriter,
    record::{Manifest, RECORD_SCHEMA, files::LOGS},
};
use highwater_scenarios::{
    plan::SystemSpec,
    secrets::{mask_secrets, mask_set},
};
use highwater_types::redact_passwords;
use tokio::{net::TcpListener, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    error::RunError,
    interrupt::unless_interrupted,
    options::{RunOptions, Workers},
    recorder::{RunRecorder, record_length_s},
    registration::{REGISTRATION_TIMEOUT, ReadyWorker, RunSpec, wait_for_workers},
    remote::{
        BusSession, Checkpoint,
        start::{BusStart, LeftPhase},
    },
    start_notes::StartNotes,
    system::RunningSystem,
    worker_pool::WorkerPool,
};
use crate::{
    bus::Control,
    clock::RunClock,
    sampling::{host, raise_open_files},
};

/// The environment variable with the token of a run. On a command line every user of the
/// machine could read it.
pub const TOKEN_VARIABLE: &str = "HIGHWATER_TOKEN";
/// Time between two looks at the local workers: one that ends before the go ends the start.
const EXIT_CHECK_INTERVAL: Duration = Duration::from_millis(200);

/// The system and the workers of a run, ready for the go.
pub struct StartedRun {
    /// The system under test.
    pub system: RunningSystem,
    /// The workers, each ready.
    pub workers: WorkerPool,
    /// The processes of local workers. They end when this is dropped.
    pub processes: Vec<Child>,
    /// The progress of a run that a coordinator left behind; `None` for one that begins.
    pub left: Option<LeftPhase>,
}

/// A run on the bus that a coordinator left behind.
pub struct LeftState {
    /// The run on the bus.
    pub session: BusSession,
    /// The document that its workers know.
    pub control: Control,
    /// The place of its record and its stream.
    pub checkpoint: Checkpoint,
}

/// Begins the record. `clock` reads 0 now.
pub fn begin_record(options: &RunOptions, clock: RunClock) -> Result<RunRecorder, RunError> {
    let open_files = raise_open_files().map_err(RunError::OpenFiles)?;
    let sets = options.sets.iter();
    let manifest = Manifest {
        schema: RECORD_SCHEMA,
        started_at: Utc::now(),
        // Records are shown to others: passwords in broker URLs and values of header fields
        // stay out.
        plan: options.plan.clone().without_secrets(),
        scenario_text: redact_passwords(&mask_secrets(&options.scenario_text)).into_owned(),
        sets: sets
            .map(|set| redact_passwords(&mask_set(set)).into_owned())
            .collect(),
        workers: options.worker_count(open_files),
        versions: program_versions(),
        host: host(),
        // Known once the system runs: `RunRecorder::record_system`.
        balancer_configuration: None,
    };
    let writer = RecordWriter::create(&options.out, &manifest)?;
    let length_s = record_length_s(&options.plan);
    Ok(RunRecorder::new(writer, manifest, clock, length_s))
}

/// Starts the system and the workers, and waits until all are ready. A run that was `left`
/// behind goes on. After an interrupt, no run that has not begun stays on the bus.
pub async fn start(
    options: &RunOptions,
    clock: RunClock,
    recorder: &mut RunRecorder,
    left: Option<LeftState>,
    notes: &StartNotes,
    interrupt: &CancellationToken,
) -> Result<StartedRun, RunError> {
    let logs = create_log_directory(options)?;
    let spawner = Spawner::start()?;
    // Before the system: a bus that cannot be used ends the run at once.
    let session = match (&options.workers, left) {
        (_, Some(left)) => Some((left.session, left.control, left.checkpoint)),
        (Workers::Bus(workers), None) => {
            let checkpoint = Checkpoint {
                lengths: recorder.flush_all()?,
                ..Checkpoint::default()
            };
            checkpoint.write(&options.out)?;
            let session = BusSession::create(options, workers, clock).await?;
            Some((session, Control::default(), checkpoint))
        }
        (Workers::Local(_), None) => None,
    };
    let starting = RunningSystem::start(&options.plan, &options.exe, &spawner, &logs);
    let what = match &options.plan.system {
        SystemSpec::Cluster(_) => {
            format!("the cluster to start; its logs are in {}", logs.display())
        }
        SystemSpec::Target(_) => "the target to answer".to_owned(),
    };
    let starting = notes.while_waiting(&what, starting);
    let system = match unless_interrupted(interrupt, starting).await {
        Ok(system) => system,
        Err(error) => {
            if let Some((session, ..)) = session {
                session.end_start(&error).await;
            }
            return Err(error);
        }
    };
    let started = match (&options.workers, session) {
        (Workers::Bus(workers), Some((session, control, checkpoint))) => {
            let starting = BusStart {
                session,
                control,
                checkpoint,
                out: &options.out,
            };
            let started = starting.start(workers, &system, notes, interrupt).await;
            started.map(|started| {
                let pool = WorkerPool::on_bus(started.link, workers.count, &started.checkpoint);
                (pool, Vec::new(), started.left)
            })
        }
        _ => {
            let base = clock.instant_at(Duration::ZERO);
            let started = start_workers(options, base, &system, &spawner, &logs, notes).await;
            started.map(|(workers, processes)| (WorkerPool::new(workers), processes, None))
        }
    };
    match started {
        Ok((workers, processes, left)) => Ok(StartedRun {
            system,
            workers,
            processes,
            left,
        }),
        Err(error) => {
            // The problems of a system that was never used do not matter to the error.
            system.stop().await;
            Err(error)
        }
    }
}

/// Starts the local workers. Returns them with their processes.
async fn start_workers(
    options: &RunOptions,
    base: Instant,
    system: &RunningSystem,
    spawner: &Spawner,
    logs: &Path,
    notes: &StartNotes,
) -> Result<(Vec<ReadyWorker>, Vec<Child>), RunError> {
    let open_files = raise_open_files().map_err(RunError::OpenFiles)?;
    let count = options.worker_count(open_files);
    // Port 0 lets the kernel choose a free one.
    let address: SocketAddr = ([127, 0, 0, 1], 0).into();
    // 128 random bits: every process on this machine can reach the port.
    let token = format!("{:032x}", rand::random::<u128>());
    let listen_error = |source| RunError::Listen { address, source };
    // Bound before the workers start, because they connect at once.
    let listener = TcpListener::bind(address).await.map_err(listen_error)?;
    let bound = listener.local_addr().map_err(listen_error)?.to_string();
    let arguments = worker_arguments(&options.workers, &bound);
    let mut processes = Vec::new();
    for number in 1..=count {
        let log = logs.join(format!("w{number}.log"));
        let launch = Launch::new(&options.exe, &arguments, log);
        let launch = launch
            .with_env(TOKEN_VARIABLE, &token)
            .with_threads_among(count as usize);
        processes.push(spawner.spawn(launch).await?);
    }
    let spec = Arc::new(RunSpec {
        plan: options.plan.clone(),
        endpoints: system.endpoints(),
        access: system.access(),
        count,
        token,
        within: REGISTRATION_TIMEOUT,
        how_to_start: format!("their logs are in {}", logs.display()),
        clock_base: base,
    });
    let workers = tokio::select! {
        workers = wait_for_workers(listener, spec, notes) => workers?,
        error = first_exit(&mut processes) => return Err(error),
    };
    Ok((workers, processes))
}

/// Returns the arguments of a local worker that joins at `control`.
fn worker_arguments(workers: &Workers, control: &str) -> Vec<String> {
    let mut arguments = ["worker", "--connect", control].map(str::to_owned).to_vec();
    if let Workers::Local(workers) = workers
        && !workers.bind.is_empty()
    {
        let addresses: Vec<_> = workers.bind.iter().map(ToString::to_string).collect();
        arguments.extend(["--bind".to_owned(), addresses.join(",")]);
    }
    arguments
}

/// Waits until a local worker ends, and returns the error with the end of its log. Pends
/// forever without local workers.
async fn first_exit(processes: &mut [Child]) -> RunError {
    loop {
        for child in &mut *processes {
            if let Some(exit) = child.try_exit() {
                return child.exited_error(exit).into();
            }
        }
        tokio::time::sleep(EXIT_CHECK_INTERVAL).await;
    }
}

fn create_log_directory(options: &RunOptions) -> Result<PathBuf, RunError> {
    let path = options.out.join(LOGS);
    match fs::create_dir_all(&path) {
        Ok(()) => Ok(path),
        Err(source) => Err(RunError::LogDirectory { path, source }),
    }
}

fn program_versions() -> BTreeMap<String, String> {
    let highwater = Some(env!("CARGO_PKG_VERSION").to_owned());
    let kernel = sysinfo::System::kernel_version().ok();
    [("highwater", highwater), ("linux", kernel)]
        .into_iter()
        .filter_map(|(name, version)| Some((name.to_owned(), version?)))
        .collect()
}
