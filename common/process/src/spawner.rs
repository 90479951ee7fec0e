//! The start of a child from its launch.

use std::{process::Stdio, thread};

use nix::{
    errno::Errno,
    libc,
    sys::{prctl, signal::Signal},
    unistd::{Pid, getpid, getppid},
};
use tokio::process::Command;

use super::{Child, Launch, ProcessError, Stdout, log, output, thread::SpawnerThread};

/// A handle to the thread that starts child processes. The thread ends with the last
/// clone and the last child.
#[derive(Debug, Clone)]
pub struct Spawner {
    thread: SpawnerThread,
}

impl Spawner {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// [`ProcessError::Thread`] if the system has no thread or no file left.
    pub fn start() -> Result<Self, ProcessError> {
        Ok(Self {
            thread: SpawnerThread::start()?,
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
        let log_error = |source| ProcessError::Log {
            path: launch.log.clone(),
            source,
        };
        let log = log::open(&launch.log).map_err(log_error)?;
        let stdout_log = log.try_clone().map_err(log_error)?;
        let (stdout, copy) = match launch.stdout {
            Stdout::FirstLine => (Stdio::piped(), Some(stdout_log)),
            Stdout::Log => (Stdio::from(stdout_log), None),
        };
        let command = command(&launch, stdout, Stdio::from(log));
        let started = self.thread.spawn(command).await?;
        let mut process = started.map_err(|source| ProcessError::Start {
            program: launch.program.clone(),
            source,
        })?;
        let first_line = process
            .stdout
            .take()
            .zip(copy)
            .map(|(stdout, copy)| output::capture_stdout(stdout, copy, self.thread.clone()));
        Ok(Child::new(process, first_line, launch, self.thread.clone()))
    }

    /// Starts a child as [`spawn`](Self::spawn) does, and blocks until it has started.
    ///
    /// # Errors
    ///
    /// The errors of [`spawn`](Self::spawn).
    pub fn spawn_blocking(&self, launch: Launch) -> Result<Child, ProcessError> {
        // On another thread, because tokio lets no thread block that already runs tasks,
        // and tests call this from their async functions.
        thread::scope(|scope| {
            let started = scope.spawn(|| self.thread.runtime().block_on(self.spawn(launch)));
            started.join().unwrap_or(Err(ProcessError::ThreadGone))
        })
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
        // A group of its own, which the drop of the child kills as a whole.
        .process_group(0)
        // Ends a child whose caller was cancelled before it took the handle.
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
