//! The table of open tunnels, which a drain closes one after the other.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::task::AbortHandle;

use crate::net::admission::{ConnectionBudget, Permit};

/// Capacity up to which the table does not shrink.
const MIN_SHRINK_CAPACITY: usize = 1024;

/// The open tunnels of a gateway.
pub(super) struct Tunnels {
    table: Mutex<TunnelTable>,
    /// Counts tunnels among the sockets, and beside the connections of HTTP clients.
    connections: ConnectionBudget,
    /// Time that one side of a tunnel has left once the other has ended.
    pub(super) half_close_timeout: Duration,
}

/// Counts one tunnel in the table and in the connection limits until it is dropped.
pub(super) struct TunnelRegistration {
    pub(super) tunnels: Arc<Tunnels>,
    pub(super) number: u64,
}

#[derive(Default)]
struct TunnelTable {
    next_number: u64,
    /// `None` until its task is known.
    open: HashMap<u64, Option<AbortHandle>>,
}

impl Tunnels {
    pub(super) fn new(connections: ConnectionBudget, half_close_timeout: Duration) -> Self {
        Self {
            table: Mutex::default(),
            connections,
            half_close_timeout,
        }
    }

    /// Registers a tunnel whose handshake has ended. `permit` counts it among the sockets.
    pub(super) fn register(self: &Arc<Self>, permit: Permit) -> TunnelRegistration {
        // Its count goes on: the permit itself would make every idle tunnel larger.
        permit.forget();
        // Unchecked: the upgrade request held a permit of its own until now.
        self.connections.public.acquire_unchecked();
        let mut table = self.table.lock();
        let number = table.next_number;
        table.next_number += 1;
        table.open.insert(number, None);
        TunnelRegistration {
            tunnels: Arc::clone(self),
            number,
        }
    }

    /// Stores the task of a tunnel.
    pub(super) fn set_task(&self, number: u64, task: AbortHandle) {
        // The tunnel may have ended already: then its entry must not come back.
        if let Some(entry) = self.table.lock().open.get_mut(&number) {
            *entry = Some(task);
        }
    }

    /// Returns the number of open tunnels.
    pub(super) fn count(&self) -> usize {
        self.table.lock().open.len()
    }

    /// Returns a handle of every tunnel that has a task.
    pub(super) fn abort_handles(&self) -> Vec<AbortHandle> {
        self.table.lock().open.values().flatten().cloned().collect()
    }

    fn remove(&self, number: u64) {
        let mut table = self.table.lock();
        table.open.remove(&number);
        // Otherwise the table would keep the memory of its peak.
        let (len, capacity) = (table.open.len(), table.open.capacity());
        if capacity > MIN_SHRINK_CAPACITY && len < capacity / 4 {
            table.open.shrink_to(len * 2);
        }
    }
}

impl Drop for TunnelRegistration {
    fn drop(&mut self) {
        self.tunnels.remove(self.number);
        self.tunnels.connections.sockets.release();
        self.tunnels.connections.public.release();
    }
}
