//! A node's part in its cluster.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, watch};

use super::{directory_client::Job, directory_partition::Home, slots::SlotTable};
use crate::{
    backplane::{Backplane, View},
    id::{DeviceId, NodeId},
};

/// Jobs that may wait for the registrar.
const JOBS: usize = 4096;

/// Shared by the node's tasks; both locks are held for moments only.
pub(crate) struct Cluster {
    pub(crate) me: NodeId,
    pub(crate) backplane: Arc<dyn Backplane>,
    pub(crate) jobs: mpsc::Sender<Job>,
    table: watch::Sender<Arc<SlotTable>>,
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
            table: watch::Sender::new(table),
            home,
        };
        (cluster, queue)
    }

    /// The members this node goes by.
    pub(crate) fn table(&self) -> Arc<SlotTable> {
        Arc::clone(&self.table.borrow())
    }

    /// Goes over to another view.
    pub(crate) fn adopt(&self, table: Arc<SlotTable>) {
        self.home().adopt(Arc::clone(&table));
        self.table.send_replace(table);
    }

    /// Waits until this node goes by members no older than the backplane shows. A
    /// node that came back registers its devices right after the view with its new
    /// seat: taken by the table of its old one, they would be dropped with that.
    pub(crate) async fn catch_up(&self, shown: &watch::Receiver<Arc<View>>) {
        let version = shown.borrow().version;
        let reached = |table: &Arc<SlotTable>| table.view.version >= version;
        if !reached(&self.table.borrow()) {
            // It fails when there is no sender, which this node is itself.
            let _ = self.table.subscribe().wait_for(reached).await;
        }
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

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{
        backplane::{BackplaneConfig, Identity, Member, Role, join},
        cluster::message::{Located, Verdict},
    };

    fn id(name: &str) -> NodeId {
        name.parse().unwrap()
    }

    /// `me` and `other`, whose seat is of that version.
    fn view(version: u64, other: u64) -> Arc<View> {
        let member = |name, joined| Member {
            id: id(name),
            boot: 1,
            joined,
            address: None,
            role: Role::Node,
        };
        Arc::new(View {
            version,
            members: vec![member("me", 1), member("other", other)],
            connected: true,
        })
    }

    fn cluster() -> Cluster {
        let identity = Identity {
            id: id("me"),
            boot: 1,
            address: None,
            role: Role::Node,
        };
        let alone = join(
            &BackplaneConfig::at(None),
            identity,
            CancellationToken::new(),
        );
        let (cluster, _) = Cluster::new(id("me"), alone.backplane);
        cluster.adopt(Arc::new(SlotTable::new(view(2, 2))));
        cluster
    }

    #[tokio::test]
    async fn what_a_new_seat_registers_waits_for_its_view() {
        let cluster = cluster();
        let device = (0..)
            .map(|number| format!("d{number}").parse().unwrap())
            .find(|device| cluster.home_of(device) == HomeOf::Here)
            .unwrap();
        let (show, shown) = watch::channel(view(2, 2));
        assert!(cluster.catch_up(&shown).now_or_never().is_some());
        // The other one comes back: the backplane shows it first, then the table.
        show.send_replace(view(3, 3));
        let register = async {
            cluster.catch_up(&shown).await;
            cluster.home().register(&id("other"), &device, None)
        };
        let mut register = pin!(register);
        assert!(register.as_mut().now_or_never().is_none(), "too early");
        cluster.adopt(Arc::new(SlotTable::new(view(3, 3))));
        assert!(matches!(register.await, (Verdict::Accepted(_), None)));
        let located = cluster.home().locate(&device);
        assert!(matches!(located, Located::At { owner, .. } if owner == id("other")));
    }
}
