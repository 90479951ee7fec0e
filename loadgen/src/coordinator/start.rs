//! Everything up to the go: the record, the system, the workers.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use chrono::Utc;
use highwater_process::{Child, Launch, Spawner};
use highwater_reports::{
    RecordWriter,
    record::{Manifest, RECORD_SCHEMA},
};
use highwater_types::redact_passwords;
use tokio::{net::TcpListener, time::Instant};

use super::{
    error::RunError,
    options::{RunOptions, Workers},
    recorder::RunRecorder,
    registration::{REGISTRATION_TIMEOUT, ReadyWorker, RunSpec, wait_for_workers},
    system::RunningSystem,
};
use crate::{
    clock::RunClock,
    sampling::{host, raise_open_files},
};

/// The environment variable with the token of a run. On a command line every user of the
/// machine could read it.
pub const TOKEN_VARIABLE: &str = "HIGHWATER_TOKEN";
/// Longest time that remote workers may take to join: a person or a scheduler starts them.
const REMOTE_TIMEOUT: Duration = Duration::from_secs(600);

/// The system and the workers of a run, ready for the go.
pub struct StartedRun {
    /// The system under test.
    pub system: RunningSystem,
    /// The workers, each ready.
    pub workers: Vec<ReadyWorker>,
    /// The processes of local workers. They end when this is dropped.
    pub processes: Vec<Child>,
}

/// Begins the record. `clock` reads 0 now.
pub fn begin_record(options: &RunOptions, clock: RunClock) -> Result<RunRecorder, RunError> {
    let open_files = raise_open_files().map_err(RunError::OpenFiles)?;
    let sets = options.sets.iter();
    let manifest = Manifest {
        schema: RECORD_SCHEMA,
        started_at: Utc::now(),
        plan: options.plan.clone(),
        // Records are shown to others: passwords in broker URLs stay out.
        scenario_text: redact_passwords(&options.scenario_text).into_owned(),
        sets: sets.map(|set| redact_passwords(set).into_owned()).collect(),
        workers: options.worker_count(open_files),
        versions: program_versions(),
        host: host(),
        // Known once the system runs: `RunRecorder::record_system`.
        balancer_configuration: None,
    };
    let writer = RecordWriter::create(&options.out, &manifest)?;
    let length_s = (options.plan.planned_ramp() + options.plan.duration).as_secs();
    Ok(RunRecorder::new(writer, manifest, clock, length_s))
}

/// Starts the system and the workers, and waits until all are ready.
pub async fn start(options: &RunOptions, base: Instant) -> Result<StartedRun, RunError> {
    let logs = create_log_directory(options)?;
    let spawner = Spawner::start()?;
    let system = RunningSystem::start(&options.plan, &options.exe, &spawner, &logs).await?;
    match start_workers(options, base, &system, &spawner, &logs).await {
        Ok((workers, processes)) => Ok(StartedRun {
            system,
            workers,
            processes,
        }),
        Err(error) => {
            // The problems of a system that was never used do not matter to the error.
            system.stop().await;
            Err(error)
        }
    }
}

/// Starts or awaits the workers. Returns them with the processes of the local ones.
async fn start_workers(
    options: &RunOptions,
    base: Instant,
    system: &RunningSystem,
    spawner: &Spawner,
    logs: &Path,
) -> Result<(Vec<ReadyWorker>, Vec<Child>), RunError> {
    let open_files = raise_open_files().map_err(RunError::OpenFiles)?;
    let count = options.worker_count(open_files);
    let (address, token, timeout) = match &options.workers {
        Workers::Local { .. } => {
            // Port 0 lets the kernel choose a free one.
            let loopback = ([127, 0, 0, 1], 0).into();
            // 128 random bits: every process on this machine can reach the port.
            let token = format!("{:032x}", rand::random::<u128>());
            (loopback, token, REGISTRATION_TIMEOUT)
        }
        Workers::Remote { listen, token, .. } => (*listen, token.clone(), REMOTE_TIMEOUT),
    };
    let listen_error = |source| RunError::Listen { address, source };
    // Bound before the workers start, because they connect at once.
    let listener = TcpListener::bind(address).await.map_err(listen_error)?;
    let address = listener.local_addr().map_err(listen_error)?.to_string();
    let mut processes = Vec::new();
    if let Workers::Local { .. } = options.workers {
        for number in 1..=count {
            let log = logs.join(format!("w{number}.log"));
            let launch = Launch::new(&options.exe, ["worker", "--connect", &address], log);
            let launch = launch.with_env(TOKEN_VARIABLE, &token);
            processes.push(spawner.spawn(launch).await?);
        }
    }
    let spec = Arc::new(RunSpec {
        plan: options.plan.clone(),
        endpoints: system.endpoints(),
        access: system.access(),
        count,
        token,
        clock_base: base,
    });
    let workers = wait_for_workers(listener, spec, timeout).await?;
    Ok((workers, processes))
}

fn create_log_directory(options: &RunOptions) -> Result<PathBuf, RunError> {
    let path = options.out.join("logs");
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
