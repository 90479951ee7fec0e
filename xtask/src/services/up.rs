//! `services up`.

use std::{
    env,
    fs::{self, File},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use highwater_services::ServiceKind;

use super::{
    state::{self, ServicesState},
    status,
};

/// The time between two checks of the supervisor's progress.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Starts the supervisor, waits until its services answer, and shows them.
pub(super) fn run(kinds: &[ServiceKind]) -> Result<()> {
    if let Some(state) = ServicesState::read()? {
        status::show(&state)?;
        bail!("services are up already; hint: `cargo xtask services down` first");
    }
    ServicesState::remove()?;
    let supervisor = start_supervisor(kinds)?;
    let state = wait_for_state(supervisor)?;
    status::show(&state)?;
    eprintln!("noted in {}", state::path()?.display());
    Ok(())
}

fn start_supervisor(kinds: &[ServiceKind]) -> Result<Child> {
    let log = state::log_path()?;
    let log = File::create(&log).with_context(|| log.display().to_string())?;
    Command::new(env::current_exe()?)
        .args(["services", "keep"])
        .args(kinds.iter().map(|kind| kind.name()))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // A group of its own, because Ctrl-C on this terminal must not end it.
        .process_group(0)
        .spawn()
        .context("cannot start the supervisor")
}

/// Waits for the state file. The supervisor writes it when all services answer, or ends
/// with an error.
fn wait_for_state(mut supervisor: Child) -> Result<ServicesState> {
    loop {
        // Another `up` at the same time may have written the file.
        if let Some(state) = ServicesState::read()?
            && state.supervisor.pid == supervisor.id()
        {
            return Ok(state);
        }
        if supervisor.try_wait()?.is_some() {
            bail!("{}", fs::read_to_string(state::log_path()?)?.trim_end());
        }
        thread::park_timeout(POLL_INTERVAL);
    }
}
