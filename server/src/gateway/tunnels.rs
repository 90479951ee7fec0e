//! All open tunnels, so that a drain can end them one after the other.

use std::{collections::HashMap, sync::Arc};

use parking_lot::{Mutex, MutexGuard};
use tokio::task::AbortHandle;

use super::{
    backend_load::ConnectionGuard,
    state::GatewayState,
    tunnel::{Tunnel, TunnelStreams},
};

/// Tables of up to this many tunnels are left alone.
const MIN_SHRINK_CAPACITY: usize = 1024;

/// By number.
#[derive(Default)]
pub(super) struct Tunnels(Mutex<TunnelTable>);

#[derive(Default)]
struct TunnelTable {
    next_number: u64,
    /// `None` until its task is known.
    open: HashMap<u64, Option<AbortHandle>>,
}

impl Tunnels {
    /// How many are open.
    pub(super) fn count(&self) -> usize {
        self.lock().open.len()
    }

    /// Every one of them, to be ended.
    pub(super) fn abort_handles(&self) -> Vec<AbortHandle> {
        self.lock().open.values().flatten().cloned().collect()
    }

    /// A tunnel is over.
    pub(super) fn remove(&self, number: u64) {
        let mut table = self.lock();
        table.open.remove(&number);
        let (len, capacity) = (table.open.len(), table.open.capacity());
        if capacity > MIN_SHRINK_CAPACITY && len < capacity / 4 {
            table.open.shrink_to(len * 2);
        }
    }

    fn insert(&self) -> u64 {
        let mut table = self.lock();
        let number = table.next_number;
        table.next_number += 1;
        table.open.insert(number, None);
        number
    }

    fn lock(&self) -> MutexGuard<'_, TunnelTable> {
        self.0.lock()
    }
}

/// Joins the two ends in a task of their own.
pub(super) fn spawn_tunnel(
    gateway: &Arc<GatewayState>,
    streams: TunnelStreams,
    guard: ConnectionGuard,
) {
    let number = gateway.tunnels.insert();
    let tunnel = Tunnel::new(Arc::clone(gateway), streams, guard, number);
    let task = tokio::spawn(tunnel).abort_handle();
    // It may be over already.
    if let Some(entered) = gateway.tunnels.lock().open.get_mut(&number) {
        *entered = Some(task);
    }
}
