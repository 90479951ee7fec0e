//! The process of an external broker, if it is on this machine.

use std::{fs, path::Path, sync::Arc, time::Duration};

use highwater_scenarios::plan::BrokerSpec;
use highwater_types::BrokerKind;
use parking_lot::Mutex;
use tokio::{task::spawn_blocking, time::Instant};

use crate::{broker::driver, sampling::port_owner};

/// The time between two searches for the process. A search goes through all processes of
/// the machine.
const SEARCH_INTERVAL: Duration = Duration::from_secs(5);

/// The way in which the broker's process is found.
#[derive(Debug)]
pub(super) enum BrokerProcess {
    /// The scenario gives the process id.
    Pid(u32),
    /// The broker listens on a port of this machine.
    PortOwner(Arc<PidFinder>),
    /// The broker is on another machine.
    Remote,
}

/// A search for the process that listens on a port, repeated after that process has ended.
#[derive(Debug)]
pub(super) struct PidFinder {
    port: u16,
    kind: BrokerKind,
    found: Mutex<FoundPid>,
}

#[derive(Debug)]
struct FoundPid {
    pid: Option<u32>,
    searched_at: Instant,
}

impl BrokerProcess {
    /// Looks for the broker's process.
    pub(super) async fn locate(broker: &BrokerSpec) -> Self {
        if let Some(pid) = broker.pid {
            return Self::Pid(pid);
        }
        if !port_owner::is_local_host(broker.url.host()) {
            return Self::Remote;
        }
        let finder = Arc::new(PidFinder {
            port: broker.url.port(),
            kind: broker.url.kind(),
            found: Mutex::new(FoundPid {
                pid: None,
                searched_at: Instant::now(),
            }),
        });
        let searching = finder.clone();
        // A search that fails is repeated by the sampler after `SEARCH_INTERVAL`.
        let _ = spawn_blocking(move || searching.search()).await;
        Self::PortOwner(finder)
    }

    /// Returns the process id; `None` if it is unknown or the process does not run. Never
    /// waits.
    pub(super) fn pid(&self) -> Option<u32> {
        match self {
            Self::Pid(pid) => Some(*pid),
            Self::PortOwner(finder) => PidFinder::pid(finder),
            Self::Remote => None,
        }
    }
}

impl PidFinder {
    fn pid(finder: &Arc<Self>) -> Option<u32> {
        let mut found = finder.found.lock();
        found.pid = found
            .pid
            .filter(|pid| Path::new("/proc").join(pid.to_string()).exists());
        if found.pid.is_none() && found.searched_at.elapsed() >= SEARCH_INTERVAL {
            found.searched_at = Instant::now();
            let searching = finder.clone();
            spawn_blocking(move || searching.search());
        }
        found.pid
    }

    fn search(&self) {
        // Before the lock is taken: a search takes milliseconds.
        let pid = port_owner::listening_pid(self.port).filter(|pid| is_broker(self.kind, *pid));
        self.found.lock().pid = pid;
    }
}

/// Whether a process is a broker of this kind. Another process on the port only forwards, to
/// a container or to another machine.
fn is_broker(kind: BrokerKind, pid: u32) -> bool {
    let comm = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let mut names = driver(kind).process_names().iter();
    names.any(|name| comm.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_process_is_not_taken_for_a_broker() {
        for kind in BrokerKind::ALL {
            assert!(!is_broker(kind, std::process::id()), "{kind:?}");
            assert!(!is_broker(kind, u32::MAX));
        }
    }
}
