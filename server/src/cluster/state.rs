//! A node's part in its cluster.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, watch};

use super::{
    directory_client::DirectoryUpdate, directory_partition::DirectoryPartition, slots::SlotTable,
};
use crate::{
    backplane::{Backplane, View},
    id::{DeviceId, NodeId},
};

/// Jobs that may wait for the registrar.
const DIRECTORY_QUEUE: usize = 4096;

/// Shared by the node's tasks; both locks are held for moments only.
pub(crate) struct ClusterState {
    pub(crate) me: NodeId,
    pub(crate) backplane: Arc<dyn Backplane>,
    pub(crate) directory_updates: mpsc::Sender<DirectoryUpdate>,
    table: watch::Sender<Arc<SlotTable>>,
    directory: Mutex<DirectoryPartition>,
}

/// Where a device's entry is kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SlotOwner {
    Local,
    Remote(NodeId),
    /// This node has not joined yet.
    Unknown,
}

impl ClusterState {
    /// The cluster as the backplane shows it now, and the registrar's queue.
    pub(crate) fn new(
        me: NodeId,
        backplane: Arc<dyn Backplane>,
    ) -> (Self, mpsc::Receiver<DirectoryUpdate>) {
        let (jobs, queue) = mpsc::channel(DIRECTORY_QUEUE);
        let view = backplane.view().borrow().clone();
        let table = Arc::new(SlotTable::new(view));
        let home = Mutex::new(DirectoryPartition::new(me.clone(), Arc::clone(&table)));
        let cluster = Self {
            me,
            backplane,
            directory_updates: jobs,
            table: watch::Sender::new(table),
            directory: home,
        };
        (cluster, queue)
    }

    /// The members this node goes by.
    pub(crate) fn table(&self) -> Arc<SlotTable> {
        Arc::clone(&self.table.borrow())
    }

    /// Goes over to another view.
    pub(crate) fn set_slot_table(&self, table: Arc<SlotTable>) {
        self.directory().set_slot_table(Arc::clone(&table));
        self.table.send_replace(table);
    }

    /// Waits until this node goes by members no older than the backplane shows. A
    /// node that came back registers its devices right after the view with its new
    /// seat: taken by the table of its old one, they would be dropped with that.
    pub(crate) async fn wait_for_view(&self, shown: &watch::Receiver<Arc<View>>) {
        let version = shown.borrow().version;
        let reached = |table: &Arc<SlotTable>| table.view.version >= version;
        if !reached(&self.table.borrow()) {
            // It fails when there is no sender, which this node is itself.
            let _ = self.table.subscribe().wait_for(reached).await;
        }
    }

    /// The entries kept here.
    pub(crate) fn directory(&self) -> MutexGuard<'_, DirectoryPartition> {
        self.directory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a device's entry is kept.
    pub(crate) fn slot_owner(&self, device: &DeviceId) -> SlotOwner {
        match self.table().slot_owner(device) {
            None => SlotOwner::Unknown,
            Some(home) if home.id == self.me => SlotOwner::Local,
            Some(home) => SlotOwner::Remote(home.id.clone()),
        }
    }

    /// Every node but this one.
    pub(crate) fn other_nodes(&self) -> Vec<NodeId> {
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
        backplane::{BackplaneConfig, Identity, Member, MemberRole, join},
        message::{DeviceLocation, RegistrationResult},
    };

    fn id(name: &str) -> NodeId {
        name.parse().unwrap()
    }

    /// `me` and `other`, whose seat is of that version.
    fn view(version: u64, other: u64) -> Arc<View> {
        let member = |name, joined| Member {
            id: id(name),
            incarnation: 1,
            generation: joined,
            address: None,
            role: MemberRole::Node,
        };
        Arc::new(View {
            version,
            members: vec![member("me", 1), member("other", other)],
            connected: true,
        })
    }

    fn cluster() -> ClusterState {
        let identity = Identity {
            id: id("me"),
            incarnation: 1,
            address: None,
            role: MemberRole::Node,
        };
        let alone = join(
            &BackplaneConfig::for_url(None),
            identity,
            CancellationToken::new(),
        );
        let (cluster, _) = ClusterState::new(id("me"), alone.backplane);
        cluster.set_slot_table(Arc::new(SlotTable::new(view(2, 2))));
        cluster
    }

    #[tokio::test]
    async fn what_a_new_seat_registers_waits_for_its_view() {
        let cluster = cluster();
        let device = (0..)
            .map(|number| format!("d{number}").parse().unwrap())
            .find(|device| cluster.slot_owner(device) == SlotOwner::Local)
            .unwrap();
        let (show, shown) = watch::channel(view(2, 2));
        assert!(cluster.wait_for_view(&shown).now_or_never().is_some());
        // The other one comes back: the backplane shows it first, then the table.
        show.send_replace(view(3, 3));
        let register = async {
            cluster.wait_for_view(&shown).await;
            cluster.directory().register(&id("other"), &device, None)
        };
        let mut register = pin!(register);
        assert!(register.as_mut().now_or_never().is_none(), "too early");
        cluster.set_slot_table(Arc::new(SlotTable::new(view(3, 3))));
        assert!(matches!(
            register.await,
            (RegistrationResult::Accepted(_), None)
        ));
        let located = cluster.directory().locate(&device);
        assert!(matches!(located, DeviceLocation::OnNode { owner, .. } if owner == id("other")));
    }
}
