//! Everything up to the go: the record, the system, the workers.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
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
    registration::{self, REGISTRATION_TIMEOUT, ReadyWorker, RunSpec},
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
const REMOTE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(600);

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
    let manifest = Manifest {
        schema: RECORD_SCHEMA,
        started_at: Utc::now(),
        plan: options.plan.clone(),
        // Records are shown to others: passwords in broker URLs stay out.
        scenario_text: redact_passwords(&options.scenario_text).into_owned(),
        sets: options
            .sets
            .iter()
            .map(|set| redact_passwords(set).into_owned())
            .collect(),
        workers: options.worker_count(open_files),
        versions: program_versions(),
        host: host(),
        balancer_configuration: None,
    };
    let plan = &options.plan;
    let length_s = (plan.planned_ramp() + plan.duration).as_secs();
    let writer = RecordWriter::create(&options.out, &manifest)?;
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
            // The problems of a system that was never used say nothing.
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
    let spec = |token: String| {
        Arc::new(RunSpec {
            plan: options.plan.clone(),
            endpoints: system.endpoints(),
            access: system.access(),
            count,
            token,
            clock_base: base,
        })
    };
    match &options.workers {
        Workers::Local { .. } => {
            // 128 random bits: every process on this machine can reach the port.
            let token = format!("{:032x}", rand::random::<u128>());
            // Bound before the workers start, because they connect at once. Port 0 lets
            // the kernel choose a free one.
            let listener = bind(([127, 0, 0, 1], 0).into()).await?;
            let processes =
                spawn_local_workers(options, spawner, logs, &listener, &token, count).await?;
            let workers =
                registration::wait_for_workers(listener, spec(token), REGISTRATION_TIMEOUT).await?;
            Ok((workers, processes))
        }
        Workers::Remote { listen, token, .. } => {
            let listener = bind(*listen).await?;
            let spec = spec(token.clone());
            let workers = registration::wait_for_workers(listener, spec, REMOTE_TIMEOUT).await?;
            Ok((workers, Vec::new()))
        }
    }
}

async fn bind(address: std::net::SocketAddr) -> Result<TcpListener, RunError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| RunError::Listen { address, source })
}

fn create_log_directory(options: &RunOptions) -> Result<PathBuf, RunError> {
    let path = options.out.join("logs");
    match fs::create_dir_all(&path) {
        Ok(()) => Ok(path),
        Err(source) => Err(RunError::LogDirectory { path, source }),
    }
}

async fn spawn_local_workers(
    options: &RunOptions,
    spawner: &Spawner,
    logs: &Path,
    listener: &TcpListener,
    token: &str,
    count: u32,
) -> Result<Vec<Child>, RunError> {
    let address = listener.local_addr().map_err(|source| RunError::Listen {
        address: ([127, 0, 0, 1], 0).into(),
        source,
    })?;
    let mut workers = Vec::new();
    for number in 1..=count {
        let launch = Launch::new(
            &options.exe,
            ["worker", "--connect", &address.to_string()],
            logs.join(format!("w{number}.log")),
        )
        .with_env(TOKEN_VARIABLE, token);
        workers.push(spawner.spawn(launch).await?);
    }
    Ok(workers)
}

fn program_versions() -> BTreeMap<String, String> {
    let mut versions =
        BTreeMap::from([("highwater".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]);
    if let Ok(kernel) = sysinfo::System::kernel_version() {
        versions.insert("linux".to_owned(), kernel);
    }
    versions
}
