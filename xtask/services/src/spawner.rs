//! The one thread that starts every child.
//!
//! The kernel sends a parent-death signal when the *thread* that forked ends, not
//! when its process does. Tests start services from threads that end with the
//! test, so all children are started by one thread that ends with the process.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Child, Command},
    sync::{
        OnceLock,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use nix::{
    errno::Errno,
    sys::{prctl, signal::Signal},
    unistd::{Pid, getpid, getppid},
};

/// Launches that may wait for the thread; each takes about a millisecond.
const QUEUE_CAPACITY: usize = 64;

static SPAWNER: OnceLock<SyncSender<ServiceSpawnRequest>> = OnceLock::new();

struct ServiceSpawnRequest {
    command: Command,
    reply: SyncSender<io::Result<Child>>,
}

/// Starts a child in a process group of its own that the kernel kills when this
/// process ends, however it ends.
pub(crate) fn spawn(mut command: Command) -> io::Result<Child> {
    command.process_group(0);
    die_with(getpid(), &mut command);
    let (reply, answer) = sync_channel(1);
    let gone = || io::Error::other("the thread that starts children is gone");
    let spawner = SPAWNER.get_or_init(|| {
        let (requests, incoming) = sync_channel(QUEUE_CAPACITY);
        thread::spawn(move || run_spawner_thread(&incoming));
        requests
    });
    spawner
        .send(ServiceSpawnRequest { command, reply })
        .map_err(|_| gone())?;
    answer.recv().map_err(|_| gone())?
}

fn run_spawner_thread(incoming: &Receiver<ServiceSpawnRequest>) {
    while let Ok(mut request) = incoming.recv() {
        if let Err(unheard) = request.reply.send(request.command.spawn())
            && let Ok(mut child) = unheard.0
        {
            let _ = child.kill();
        }
    }
}

/// Has the kernel kill the child when `parent` dies.
fn die_with(parent: Pid, command: &mut Command) {
    let before_exec = move || {
        prctl::set_pdeathsig(Signal::SIGKILL)?;
        // The parent may have died between the fork and the line above; then no
        // signal will come any more.
        if getppid() == parent {
            Ok(())
        } else {
            Err(Errno::ESRCH.into())
        }
    };
    #[expect(
        unsafe_code,
        reason = "between fork and exec only two system calls are made: nothing \
                  allocates, locks or unwinds"
    )]
    // SAFETY: see above; prctl and getppid are async-signal-safe.
    unsafe {
        command.pre_exec(before_exec);
    }
}
