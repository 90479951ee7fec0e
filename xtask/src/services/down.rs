//! `services down`.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use nix::sys::signal::Signal;

use super::{process_identity::Running, state::State};

/// How long a keeper may take to end its services.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at whether it has.
const PAUSE: Duration = Duration::from_millis(30);

/// Ends exactly the processes that were noted.
pub(super) fn run() -> Result<()> {
    let Some(state) = State::read()? else {
        eprintln!("no services are up");
        return State::remove();
    };
    state.keeper.signal(Signal::SIGTERM)?;
    if !gone_within(state.keeper, PATIENCE) {
        // It hangs; the kernel ends its services with it.
        state.keeper.signal(Signal::SIGKILL)?;
    }
    for entry in &state.services {
        for server in &entry.servers {
            if !gone_within(*server, PATIENCE) {
                server.signal(Signal::SIGKILL)?;
            }
        }
        eprintln!("{:14} down", entry.name);
    }
    State::remove()
}

fn gone_within(process: Running, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    while process.is_alive() {
        if Instant::now() > deadline {
            return false;
        }
        thread::park_timeout(PAUSE);
    }
    true
}
