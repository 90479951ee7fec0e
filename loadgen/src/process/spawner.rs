//! The one thread that starts every child.
//!
//! The kernel sends a parent-death signal when the *thread* that forked ends,
//! not when its process does. Children are therefore all started by one thread
//! that lives as long as the spawner or any child of it.

use std::{fs::File, io, path::PathBuf, process::Stdio, thread};

use nix::{
    errno::Errno,
    libc,
    sys::{prctl, signal::Signal},
    unistd::{Pid, getpid, getppid},
};
use tokio::{
    process::Command,
    runtime::Handle,
    sync::{mpsc, oneshot},
};

use super::{Child, Launch, ProcessError, Stdout, log, output};

/// Launches that may wait for the thread; each takes about a millisecond.
const QUEUE_CAPACITY: usize = 64;

/// Starts child processes. Clones share one thread, which ends with the last
/// clone and the last child.
#[derive(Debug, Clone)]
pub struct Spawner {
    requests: mpsc::Sender<SpawnRequest>,
}

#[derive(Debug)]
struct SpawnRequest {
    command: Command,
    reply: oneshot::Sender<io::Result<tokio::process::Child>>,
}

impl Spawner {
    /// Starts the thread. Must be called in a tokio runtime, which then waits
    /// for the children.
    ///
    /// # Errors
    ///
    /// [`ProcessError::Thread`] if the system has no thread left.
    pub fn start() -> Result<Self, ProcessError> {
        let (requests, incoming) = mpsc::channel(QUEUE_CAPACITY);
        let runtime = Handle::current();
        thread::Builder::new()
            .name("spawner".into())
            .spawn(move || run_spawner_thread(incoming, &runtime))
            .map_err(ProcessError::Thread)?;
        Ok(Self { requests })
    }

    /// Starts a child in a process group of its own: Ctrl-C on the terminal
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
        let first_line = process
            .stdout
            .take()
            .zip(copy)
            .map(|(stdout, copy)| output::capture_stdout(stdout, copy));
        Ok(Child::new(process, first_line, launch, self.clone()))
    }

    async fn start_process(
        &self,
        command: Command,
        program: &std::path::Path,
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

fn run_spawner_thread(mut incoming: mpsc::Receiver<SpawnRequest>, runtime: &Handle) {
    let _context = runtime.enter();
    while let Some(mut request) = incoming.blocking_recv() {
        // Whoever asked may be gone: then the child is dropped, and so killed.
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

/// Has the kernel send the child `signal` when `harness` dies, and prefer others to it.
fn set_pre_exec(harness: Pid, signal: Signal, niceness: u8, command: &mut Command) {
    let before_exec = move || {
        prctl::set_pdeathsig(signal)?;
        add_niceness(niceness);
        // The harness may have died between the fork and the line above; then
        // no signal will come any more.
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

/// Gives way to others. More of it is always allowed.
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
