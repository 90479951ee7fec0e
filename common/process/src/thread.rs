//! The one thread that starts every child.
//!
//! The kernel sends a parent-death signal when the *thread* that forked ends, and not when
//! its process does. One thread therefore starts all children, and it lives as long as
//! any [`SpawnerThread`].

use std::{
    io,
    sync::mpsc::{SyncSender, sync_channel},
    thread,
};

use tokio::{
    process::{Child, Command},
    runtime::{self, Handle},
    sync::{mpsc, oneshot},
};

use crate::ProcessError;

/// Launches that may wait for the thread; each takes about a millisecond.
const QUEUE_CAPACITY: usize = 64;

/// A handle that keeps the thread alive.
#[derive(Debug, Clone)]
pub(crate) struct SpawnerThread {
    requests: mpsc::Sender<SpawnRequest>,
    /// The runtime of the thread, which notices when children end. It is not that of the
    /// caller, so that a child can outlive a test's runtime and blocking code needs none.
    runtime: Handle,
}

#[derive(Debug)]
struct SpawnRequest {
    command: Command,
    reply: oneshot::Sender<io::Result<Child>>,
}

impl SpawnerThread {
    pub(crate) fn start() -> Result<Self, ProcessError> {
        let (requests, incoming) = mpsc::channel(QUEUE_CAPACITY);
        // Room for the one report, so that the thread never waits for its reader.
        let (report, started) = sync_channel(1);
        thread::Builder::new()
            .name("spawner".into())
            .spawn(move || run(incoming, &report))
            .map_err(ProcessError::Thread)?;
        let runtime = started.recv().map_err(|_| ProcessError::ThreadGone)?;
        Ok(Self {
            requests,
            runtime: runtime.map_err(ProcessError::Thread)?,
        })
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Starts a process on the thread.
    ///
    /// # Errors
    ///
    /// [`ProcessError::ThreadGone`], or the error of the start in the inner result.
    pub(crate) async fn spawn(&self, command: Command) -> Result<io::Result<Child>, ProcessError> {
        let (reply, answer) = oneshot::channel();
        let request = SpawnRequest { command, reply };
        let sent = self.requests.send(request).await;
        sent.map_err(|_| ProcessError::ThreadGone)?;
        answer.await.map_err(|_| ProcessError::ThreadGone)
    }
}

fn run(incoming: mpsc::Receiver<SpawnRequest>, report: &SyncSender<io::Result<Handle>>) {
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
