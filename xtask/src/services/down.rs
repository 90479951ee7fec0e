//! `services down`.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use nix::sys::signal::Signal;

use super::{process_identity::ProcessIdentity, state::ServicesState};

/// The time that a supervisor gets to end its services.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
/// The time between two checks.
const POLL_INTERVAL: Duration = Duration::from_millis(30);

/// Ends exactly the processes in the state file.
pub(super) fn run() -> Result<()> {
    let Some(state) = ServicesState::read()? else {
        eprintln!("no services are up");
        return ServicesState::remove();
    };
    state.supervisor.signal(Signal::SIGTERM)?;
    if !wait_until_gone(state.supervisor, STOP_TIMEOUT) {
        // It hangs. The kernel ends its services with it, by their parent-death signal.
        state.supervisor.signal(Signal::SIGKILL)?;
    }
    for entry in &state.services {
        for server in &entry.servers {
            // Of a supervisor that was killed before, the servers may take a moment to end.
            if !wait_until_gone(*server, STOP_TIMEOUT) {
                server.signal(Signal::SIGKILL)?;
            }
        }
        eprintln!("{:16} down", entry.name);
    }
    ServicesState::remove()
}

fn wait_until_gone(process: ProcessIdentity, within: Duration) -> bool {
    let deadline = Instant::now() + within;
    while process.is_alive() {
        if Instant::now() > deadline {
            return false;
        }
        thread::park_timeout(POLL_INTERVAL);
    }
    true
}
