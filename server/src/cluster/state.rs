//! A node's part in its cluster.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::mpsc;

use super::{home::Home, registrar::Job, slots::SlotTable};
use crate::{
    backplane::Backplane,
    id::{DeviceId, NodeId},
};

/// Jobs that may wait for the registrar.
const JOBS: usize = 4096;

/// Shared by the node's tasks; both locks are held for moments only.
pub(crate) struct Cluster {
    pub(crate) me: NodeId,
    pub(crate) backplane: Arc<dyn Backplane>,
    pub(crate) jobs: mpsc::Sender<Job>,
    table: RwLock<Arc<SlotTable>>,
    home: Mutex<Home>,
}

/// Where a device's entry is kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HomeOf {
    Here,
    There(NodeId),
    /// This node has not joined yet.
    Unknown,
}

impl Cluster {
    /// The cluster as the backplane shows it now, and the registrar's queue.
    pub(crate) fn new(me: NodeId, backplane: Arc<dyn Backplane>) -> (Self, mpsc::Receiver<Job>) {
        let (jobs, queue) = mpsc::channel(JOBS);
        let view = backplane.view().borrow().clone();
        let table = Arc::new(SlotTable::new(view));
        let home = Mutex::new(Home::new(me.clone(), Arc::clone(&table)));
        let cluster = Self {
            me,
            backplane,
            jobs,
            table: RwLock::new(table),
            home,
        };
        (cluster, queue)
    }

    /// The members this node goes by.
    pub(crate) fn table(&self) -> Arc<SlotTable> {
        Arc::clone(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Goes over to another view.
    pub(crate) fn adopt(&self, table: Arc<SlotTable>) {
        self.home().adopt(Arc::clone(&table));
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = table;
    }

    /// The entries kept here.
    pub(crate) fn home(&self) -> MutexGuard<'_, Home> {
        self.home.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a device's entry is kept.
    pub(crate) fn home_of(&self, device: &DeviceId) -> HomeOf {
        match self.table().home(device) {
            None => HomeOf::Unknown,
            Some(home) if home.id == self.me => HomeOf::Here,
            Some(home) => HomeOf::There(home.id.clone()),
        }
    }

    /// Every node but this one.
    pub(crate) fn others(&self) -> Vec<NodeId> {
        let table = self.table();
        let ids = table.view.nodes().map(|member| member.id.clone());
        ids.filter(|id| *id != self.me).collect()
    }
}
