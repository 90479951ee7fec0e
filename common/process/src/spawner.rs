//! The one thread that starts every child.
//!
//! The kernel sends a parent-death signal when the *thread* that forked ends, and not when
//! its process does. One thread therefore starts all children, and it lives as long as
//! the spawner or any child of it.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    process::Stdio,
    sync::mpsc::{SyncSender, sync_channel},
    thread,
};

use nix::{
    errno::Errno,
    libc,
    sys::{prctl, signal::Signal},
    unistd::{Pid, getpid, getppid},
};
use tokio::{
    process::Command,
    runtime::{self, Handle},
    sync::{mpsc, oneshot},
};

use super::{Child, Launch, ProcessError, Stdout, log, output};

/// Launches that may wait for the thread; each takes about a millisecond.
const QUEUE_CAPACITY: usize = 64;

/// A handle to the thread that starts child processes. The thread ends with the last
/// clone and the last child.
#[derive(Debug, Clone)]
pub struct Spawner {
    requests: mpsc::Sender<SpawnRequest>,
    /// The runtime of the thread, which notices when children end. It is not that of the
    /// caller, so that a child can outlive a test's runtime and blocking code needs none.
    runtime: Handle,
}

#[derive(Debug)]
struct SpawnRequest {
    command: Command,
    reply: oneshot::Sender<io::Result<tokio::process::Child>>,
}

impl Spawner {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// [`ProcessError::Thread`] if the system has no thread or no file left.
    pub fn start() -> Result<Self, ProcessError> {
        let (requests, incoming) = mpsc::channel(QUEUE_CAPACITY);
        let (report, started) = sync_channel(1);
        thread::Builder::new()
            .name("spawner".into())
            .spawn(move || run_spawner_thread(incoming, &report))
            .map_err(ProcessError::Thread)?;
        let runtime = started.recv().map_err(|_| ProcessError::ThreadGone)?;
        Ok(Self {
            requests,
            runtime: runtime.map_err(ProcessError::Thread)?,
        })
    }

    /// Starts a child in a process group of its own, so that Ctrl-C on the terminal
    /// reaches the harness alone.
    ///
    /// # Errors
    ///
    /// [`ProcessError::Log`] if its log cannot be opened,
    /// [`ProcessError::Start`] if the program cannot be started.
    pub async fn spawn(&self, launch: Launch) -> Result<Child, ProcessError> {
        let log = open_log(&launch)?;
        let stdout_log = log
            .try_clone()
            .map_err(|source| log_error(&launch, source))?;
        let (stdout, copy) = match launch.stdout {
            Stdout::FirstLine => (Stdio::piped(), Some(stdout_log)),
            Stdout::Log => (Stdio::from(stdout_log), None),
        };
        let command = command(&launch, stdout, Stdio::from(log));
        let mut process = self.start_process(command, &launch.program).await?;
        let first_line = process.stdout.take().zip(copy).map(|(stdout, copy)| {
            output::capture_stdout(stdout, copy, (&self.runtime, self.clone()))
        });
        Ok(Child::new(process, first_line, launch, self.clone()))
    }

    /// Starts a child as [`spawn`](Self::spawn) does, and blocks until it has started.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Self::spawn).
    pub fn spawn_blocking(&self, launch: Launch) -> Result<Child, ProcessError> {
        // On another thread, because tokio lets no thread block that already runs tasks,
        // and tests call this from their async functions.
        thread::scope(|scope| {
            let started = scope.spawn(|| self.runtime.block_on(self.spawn(launch)));
            started.join().unwrap_or(Err(ProcessError::ThreadGone))
        })
    }

    async fn start_process(
        &self,
        command: Command,
        program: &Path,
    ) -> Result<tokio::process::Child, ProcessError> {
        let (reply, answer) = oneshot::channel();
        let request = SpawnRequest { command, reply };
        let sent = self.requests.send(request).await;
        sent.map_err(|_| ProcessError::ThreadGone)?;
        let started = answer.await.map_err(|_| ProcessError::ThreadGone)?;
        started.map_err(|source| ProcessError::Start {
            program: PathBuf::from(program),
            source,
        })
    }
}

fn run_spawner_thread(
    incoming: mpsc::Receiver<SpawnRequest>,
    report: &SyncSender<io::Result<Handle>>,
) {
    // One thread alone: the runtime must fork on the thread that stays alive.
    match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            // The caller waits for the report, so it cannot be gone.
            let _ = report.send(Ok(runtime.handle().clone()));
            runtime.block_on(start_children(incoming));
        }
        Err(error) => {
            let _ = report.send(Err(error));
        }
    }
}

async fn start_children(mut incoming: mpsc::Receiver<SpawnRequest>) {
    while let Some(mut request) = incoming.recv().await {
        // A caller that no longer waits gets no child: the unsent one is dropped, and
        // `kill_on_drop` ends it.
        let _ = request.reply.send(request.command.spawn());
    }
}

fn command(launch: &Launch, stdout: Stdio, stderr: Stdio) -> Command {
    let mut command = Command::new(&launch.program);
    command
        .args(&launch.args)
        .envs(launch.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr)
        .process_group(0)
        .kill_on_drop(true);
    set_pre_exec(
        getpid(),
        launch.parent_death_signal,
        launch.niceness,
        &mut command,
    );
    command
}

/// Makes the kernel send `signal` to the child when `harness` dies, and adds to the
/// child's niceness.
fn set_pre_exec(harness: Pid, signal: Signal, niceness: u8, command: &mut Command) {
    let before_exec = move || {
        prctl::set_pdeathsig(signal)?;
        add_niceness(niceness);
        // The harness may have died between the fork and the line above. The kernel then
        // sends no signal any more.
        if getppid() == harness {
            Ok(())
        } else {
            Err(Errno::ESRCH.into())
        }
    };
    #[expect(
        unsafe_code,
        reason = "between fork and exec only system calls are made: nothing \
                  allocates, locks or unwinds"
    )]
    // SAFETY: see above; prctl, nice and getppid are async-signal-safe.
    unsafe {
        command.pre_exec(before_exec);
    }
}

/// Raises the niceness of the calling process, which needs no privilege.
fn add_niceness(niceness: u8) {
    if niceness > 0 {
        #[expect(unsafe_code, reason = "nix has no function for it")]
        // SAFETY: takes a number and touches no memory.
        unsafe {
            libc::nice(niceness.into());
        }
    }
}

fn open_log(launch: &Launch) -> Result<File, ProcessError> {
    log::open(&launch.log).map_err(|source| log_error(launch, source))
}

fn log_error(launch: &Launch, source: io::Error) -> ProcessError {
    ProcessError::Log {
        path: launch.log.clone(),
        source,
    }
}
