//! The broker's process, where it is one of this machine.

use std::{fs, path::Path, sync::Arc, time::Duration};

use highwater_scenarios::plan::BrokerSpec;
use highwater_types::BrokerKind;
use parking_lot::{Mutex, MutexGuard};
use tokio::{task::spawn_blocking, time::Instant};

use crate::sampling::port_owner;

/// Time from one look for a process that is gone to the next.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// What knows the broker's process id.
#[derive(Debug)]
pub(super) enum BrokerProcess {
    /// The scenario gives it.
    Pid(u32),
    /// Whoever listens on the broker's port of this machine.
    PortOwner(Arc<PidFinder>),
    /// The broker is on another machine.
    Remote,
}

/// Finds who listens on a port, and again after that process has ended.
#[derive(Debug)]
pub(super) struct PidFinder {
    port: u16,
    kind: BrokerKind,
    found: Mutex<FoundPid>,
}

#[derive(Debug)]
struct FoundPid {
    pid: Option<u32>,
    polled_at: Instant,
}

impl BrokerProcess {
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
                polled_at: Instant::now(),
            }),
        });
        let looking = finder.clone();
        // Should the look fail, the next one is not far.
        let _ = spawn_blocking(move || looking.poll()).await;
        Self::PortOwner(finder)
    }

    /// Its id now; `None` if it is not known, or not running. Never waits.
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
        let mut found = finder.found();
        found.pid = found
            .pid
            .filter(|pid| Path::new("/proc").join(pid.to_string()).exists());
        if found.pid.is_none() && found.polled_at.elapsed() >= POLL_INTERVAL {
            found.polled_at = Instant::now();
            let looking = finder.clone();
            spawn_blocking(move || looking.poll());
        }
        found.pid
    }

    /// Goes through all processes, which takes its time.
    fn poll(&self) {
        let pid = port_owner::listening_pid(self.port).filter(|pid| is_broker(self.kind, *pid));
        self.found().pid = pid;
    }

    /// Nothing can fail while it is locked.
    fn found(&self) -> MutexGuard<'_, FoundPid> {
        self.found.lock()
    }
}

/// Whether the process that listens is a broker: it may be one that only hands
/// on to a container or another machine.
fn is_broker(kind: BrokerKind, pid: u32) -> bool {
    let names: &[&str] = match kind {
        BrokerKind::Redis => &["redis", "valkey", "keydb", "dragonfly"],
        BrokerKind::Nats => &["nats-server"],
        BrokerKind::RabbitMq => &["beam"],
    };
    let comm = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    names.iter().any(|name| comm.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_broker_is_taken_for_one() {
        // The test's own process listens nowhere and is no broker.
        for kind in BrokerKind::ALL {
            assert!(!is_broker(kind, std::process::id()), "{kind:?}");
            assert!(!is_broker(kind, u32::MAX));
        }
    }
}
