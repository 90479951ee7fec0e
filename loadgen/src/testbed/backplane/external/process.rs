//! The broker's process, where it is one of this machine.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use highwater_scenarios::{BrokerKind, plan::Broker};
use tokio::{task::spawn_blocking, time::Instant};

use crate::sampling::port_owner;

/// Time from one look for a process that is gone to the next.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What knows the broker's process id.
#[derive(Debug)]
pub(super) enum BrokerProcess {
    /// The scenario gives it.
    Given(u32),
    /// Whoever listens on the broker's port of this machine.
    Listener(Arc<Finder>),
    /// The broker is on another machine.
    Elsewhere,
}

/// Finds who listens on a port, and again after that process has ended.
#[derive(Debug)]
pub(super) struct Finder {
    port: u16,
    kind: BrokerKind,
    found: Mutex<Found>,
}

#[derive(Debug)]
struct Found {
    pid: Option<u32>,
    looked: Instant,
}

impl BrokerProcess {
    pub(super) async fn of(broker: &Broker) -> Self {
        if let Some(pid) = broker.pid {
            return Self::Given(pid);
        }
        if !port_owner::is_here(broker.url.host()) {
            return Self::Elsewhere;
        }
        let finder = Arc::new(Finder {
            port: broker.url.port(),
            kind: broker.url.kind(),
            found: Mutex::new(Found {
                pid: None,
                looked: Instant::now(),
            }),
        });
        let looking = finder.clone();
        // Should the look fail, the next one is not far.
        let _ = spawn_blocking(move || looking.look()).await;
        Self::Listener(finder)
    }

    /// Its id now; `None` if it is not known, or not running. Never waits.
    pub(super) fn pid(&self) -> Option<u32> {
        match self {
            Self::Given(pid) => Some(*pid),
            Self::Listener(finder) => Finder::pid(finder),
            Self::Elsewhere => None,
        }
    }
}

impl Finder {
    fn pid(finder: &Arc<Self>) -> Option<u32> {
        let mut found = finder.found();
        found.pid = found
            .pid
            .filter(|pid| Path::new("/proc").join(pid.to_string()).exists());
        if found.pid.is_none() && found.looked.elapsed() >= LOOK_EVERY {
            found.looked = Instant::now();
            let looking = finder.clone();
            spawn_blocking(move || looking.look());
        }
        found.pid
    }

    /// Goes through all processes, which takes its time.
    fn look(&self) {
        let pid = port_owner::listener(self.port).filter(|pid| is_broker(self.kind, *pid));
        self.found().pid = pid;
    }

    /// Nothing can fail while it is locked.
    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
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
