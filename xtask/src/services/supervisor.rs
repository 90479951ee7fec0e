//! The background process that holds the services, which end with it in any case.

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
    // Before other threads start, because they inherit the mask. SIGHUP stays blocked,
    // because the terminal of `up` may close.
    let mut ends = SigSet::empty();
    ends.add(Signal::SIGTERM);
    ends.add(Signal::SIGINT);
    let mut blocked = ends;
    blocked.add(Signal::SIGHUP);
    blocked.thread_block()?;

    let supervisor =
        ProcessIdentity::of(process::id()).context("/proc does not show this process")?;
    let services = kinds
        .iter()
        .map(|kind| kind.start())
        .collect::<Result<Vec<_>, _>>()?;
    ServicesState {
        supervisor,
        services: services.iter().map(ServiceEntry::of).collect(),
    }
    .write()?;
    ends.wait()?;
    // The file goes last: while it is there, `down` waits for the servers.
    drop(services);
    ServicesState::remove()
}
