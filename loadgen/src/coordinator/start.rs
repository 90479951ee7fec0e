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

use super::{
    error::RunError,
    options::{RunOptions, Workers},
    recorder::RunRecorder,
    registration::{REGISTRATION_TIMEOUT, ReadyWorker, RunSpec, wait_for_workers},
    start_notes::StartNotes,
    system::RunningSystem,
};
use crate::{
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
    let length_s = (options.plan.planned_ramp() + options.plan.duration).as_secs();
    Ok(RunRecorder::new(writer, manifest, clock, length_s))
}

/// Starts the system and the workers, and waits until all are ready.
pub async fn start(
    options: &RunOptions,
    base: Instant,
    notes: &StartNotes,
) -> Result<StartedRun, RunError> {
    let logs = create_log_directory(options)?;
    let spawner = Spawner::start()?;
    let starting = RunningSystem::start(&options.plan, &options.exe, &spawner, &logs);
    let what = match &options.plan.system {
        SystemSpec::Cluster(_) => {
            format!("the cluster to start; its logs are in {}", logs.display())
        }
        SystemSpec::Target(_) => "the target to answer".to_owned(),
    };
    let system = notes.while_waiting(&what, starting).await?;
    match start_workers(options, base, &system, &spawner, &logs, notes).await {
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
    notes: &StartNotes,
) -> Result<(Vec<ReadyWorker>, Vec<Child>), RunError> {
    let open_files = raise_open_files().map_err(RunError::OpenFiles)?;
    let count = options.worker_count(open_files);
    let (address, token, within) = match &options.workers {
        Workers::Local { .. } => {
            // Port 0 lets the kernel choose a free one.
            let loopback = ([127, 0, 0, 1], 0).into();
            // 128 random bits: every process on this machine can reach the port.
            let token = format!("{:032x}", rand::random::<u128>());
            (loopback, token, REGISTRATION_TIMEOUT)
        }
        Workers::Remote {
            listen,
            token,
            join_timeout,
            ..
        } => (*listen, token.clone(), *join_timeout),
    };
    let listen_error = |source| RunError::Listen { address, source };
    // Bound before the workers start, because they connect at once.
    let listener = TcpListener::bind(address).await.map_err(listen_error)?;
    let bound = listener.local_addr().map_err(listen_error)?;
    let address = bound.to_string();
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
        within,
        how_to_start: how_to_start(&options.workers, bound, logs),
        clock_base: base,
    });
    let workers = tokio::select! {
        workers = wait_for_workers(listener, spec, notes) => workers?,
        error = first_exit(&mut processes) => return Err(error),
    };
    Ok((workers, processes))
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

/// Describes what a person does about a missing worker.
fn how_to_start(workers: &Workers, bound: SocketAddr, logs: &Path) -> String {
    match workers {
        Workers::Local { .. } => format!("their logs are in {}", logs.display()),
        Workers::Remote { .. } => {
            let host = match bound.ip().is_unspecified() {
                true => "THIS-MACHINE".to_owned(),
                false => SocketAddr::new(bound.ip(), 0)
                    .to_string()
                    .trim_end_matches(":0")
                    .to_owned(),
            };
            let port = bound.port();
            format!(
                "start each with this run's {TOKEN_VARIABLE} and `highwater worker --connect \
                 {host}:{port}`"
            )
        }
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
