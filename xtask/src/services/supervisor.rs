//! The process in the background that holds the services: as long as it lives,
//! they do; when it ends, however it ends, they end with it.

use std::process;

use anyhow::{Context, Result};
use highwater_services::ServiceKind;
use nix::sys::signal::{SigSet, Signal};

use super::{
    process_identity::ProcessIdentity,
    state::{ServiceEntry, ServicesState},
};

/// Starts the services, notes them, and holds them until SIGTERM.
pub(super) fn run(kinds: &[ServiceKind]) -> Result<()> {
    // Before there are other threads. SIGHUP stays blocked: the terminal that `up`
    // ran in may go.
    let mut ends = SigSet::empty();
    ends.add(Signal::SIGTERM);
    ends.add(Signal::SIGINT);
    let mut blocked = ends;
    blocked.add(Signal::SIGHUP);
    blocked.thread_block()?;

    let keeper = ProcessIdentity::of(process::id()).context("/proc does not show this process")?;
    let services = kinds
        .iter()
        .map(|kind| kind.start())
        .collect::<Result<Vec<_>, _>>()?;
    ServicesState {
        supervisor: keeper,
        services: services.iter().map(ServiceEntry::of).collect(),
    }
    .write()?;
    ends.wait()?;
    drop(services);
    ServicesState::remove()
}
