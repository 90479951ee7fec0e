//! All open tunnels, so that a drain can end them one after the other.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::task::AbortHandle;

use super::{
    backend_load::SocketLease,
    state::Gateway,
    tunnel::{Ends, Tunnel},
};

/// Tables of up to this many tunnels are left alone.
const SMALL: usize = 1024;

/// By number.
#[derive(Default)]
pub(super) struct Tunnels(Mutex<Table>);

#[derive(Default)]
struct Table {
    next: u64,
    /// `None` until its task is known.
    open: HashMap<u64, Option<AbortHandle>>,
}

impl Tunnels {
    /// How many are open.
    pub(super) fn count(&self) -> usize {
        self.lock().open.len()
    }

    /// Every one of them, to be ended.
    pub(super) fn all(&self) -> Vec<AbortHandle> {
        self.lock().open.values().flatten().cloned().collect()
    }

    /// A tunnel is over.
    pub(super) fn closed(&self, number: u64) {
        let mut table = self.lock();
        table.open.remove(&number);
        let (len, capacity) = (table.open.len(), table.open.capacity());
        if capacity > SMALL && len < capacity / 4 {
            table.open.shrink_to(len * 2);
        }
    }

    fn enter(&self) -> u64 {
        let mut table = self.lock();
        let number = table.next;
        table.next += 1;
        table.open.insert(number, None);
        number
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Joins the two ends in a task of their own.
pub(super) fn open(gateway: &Arc<Gateway>, ends: Ends, lease: SocketLease) {
    let number = gateway.tunnels.enter();
    let tunnel = Tunnel::new(Arc::clone(gateway), ends, lease, number);
    let task = tokio::spawn(tunnel).abort_handle();
    // It may be over already.
    if let Some(entered) = gateway.tunnels.lock().open.get_mut(&number) {
        *entered = Some(task);
    }
}
