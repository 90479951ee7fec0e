//! The state of a node's part in its cluster.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{mpsc, watch};

use super::{
    directory_partition::DirectoryPartition,
    directory_update::DirectoryUpdate,
    routing::Routing,
    slots::{SlotOwner, SlotTable},
    topics::Topics,
};
use crate::{
    backplane::{Backplane, View},
    id::{DeviceId, NodeId},
    session::SessionContext,
};

/// Updates that may wait for the directory client. Beyond it, new registrations wait
/// for room in the queue.
const DIRECTORY_QUEUE: usize = 4096;

/// A node's part in its cluster: its backplane, its partition of the owner directory,
/// its topics and its sessions. All tasks of the cluster share one.
pub(crate) struct ClusterContext {
    /// This node.
    pub(crate) me: NodeId,
    pub(crate) routing: Routing,
    pub(crate) backplane: Arc<dyn Backplane>,
    pub(crate) sessions: Arc<SessionContext>,
    pub(crate) topics: Topics,
    pub(super) directory_updates: mpsc::Sender<DirectoryUpdate>,
    // Each lock is held for one operation and never across an `.await`.
    table: watch::Sender<Arc<SlotTable>>,
    directory: Mutex<DirectoryPartition>,
    command_ids: AtomicU64,
}

impl ClusterContext {
    /// Returns the cluster in the backplane's present view, and the receiver of the
    /// directory client.
    pub(crate) fn new(
        me: NodeId,
        routing: Routing,
        backplane: Arc<dyn Backplane>,
        sessions: Arc<SessionContext>,
    ) -> (Self, mpsc::Receiver<DirectoryUpdate>) {
        let (directory_updates, update_rx) = mpsc::channel(DIRECTORY_QUEUE);
        let view = backplane.view().borrow().clone();
        let table = Arc::new(SlotTable::new(view));
        let directory = Mutex::new(DirectoryPartition::new(me.clone(), Arc::clone(&table)));
        let cluster = Self {
            me,
            routing,
            backplane,
            topics: Topics::new(Arc::clone(&sessions)),
            sessions,
            directory_updates,
            table: watch::Sender::new(table),
            directory,
            command_ids: AtomicU64::new(0),
        };
        (cluster, update_rx)
    }

    /// Returns the slot table that this node uses.
    pub(crate) fn table(&self) -> Arc<SlotTable> {
        Arc::clone(&self.table.borrow())
    }

    /// Changes to the slot table of another view.
    pub(super) fn set_slot_table(&self, table: Arc<SlotTable>) {
        // The directory first: a task that sees the new table may use the new entries.
        self.directory().set_slot_table(Arc::clone(&table));
        self.table.send_replace(table);
    }

    /// Waits until this node's slot table is as new as the view that the backplane shows.
    ///
    /// A node that rejoined registers its devices right after the view with its new
    /// generation. Registered under the table with its old generation, they would be
    /// dropped with the old generation's entries.
    pub(super) async fn wait_for_view(&self, shown: &watch::Receiver<Arc<View>>) {
        let version = shown.borrow().version;
        let reached = |table: &Arc<SlotTable>| table.view.version >= version;
        if !reached(&self.table.borrow()) {
            // Fails only without a sender, and `self` holds the sender.
            let _ = self.table.subscribe().wait_for(reached).await;
        }
    }

    /// Locks this node's partition of the directory.
    pub(crate) fn directory(&self) -> MutexGuard<'_, DirectoryPartition> {
        self.directory.lock()
    }

    /// Returns the node that stores a device's directory entry.
    pub(super) fn slot_owner(&self, device: &DeviceId) -> SlotOwner {
        match self.table().slot_owner(device) {
            None => SlotOwner::Unknown,
            Some(owner) if owner.id == self.me => SlotOwner::Local,
            Some(owner) => SlotOwner::Remote(owner.id.clone()),
        }
    }

    /// Returns every node except this one.
    pub(crate) fn other_nodes(&self) -> Vec<NodeId> {
        let table = self.table();
        let ids = table.view.nodes().map(|member| member.id.clone());
        ids.filter(|id| *id != self.me).collect()
    }

    pub(super) fn next_command_id(&self) -> u64 {
        self.command_ids.fetch_add(1, Relaxed)
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
        limits::NodeLimits,
        message::{DeviceLocation, RegistrationResult},
    };

    fn id(name: &str) -> NodeId {
        name.parse().unwrap()
    }

    /// Returns a view of `me` and of `other` in that generation.
    fn view(version: u64, other_generation: u64) -> Arc<View> {
        let member = |name, generation| Member {
            id: id(name),
            incarnation: 1,
            generation,
            address: None,
            role: MemberRole::Node,
        };
        Arc::new(View {
            version,
            members: vec![member("me", 1), member("other", other_generation)],
            connected: true,
        })
    }

    fn cluster() -> ClusterContext {
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
        let sessions = Arc::new(SessionContext::new(NodeLimits::default()));
        let (cluster, _) =
            ClusterContext::new(id("me"), Routing::Directory, alone.backplane, sessions);
        cluster.set_slot_table(Arc::new(SlotTable::new(view(2, 2))));
        cluster
    }

    #[tokio::test]
    async fn registration_of_rejoined_node_waits_for_its_view() {
        let cluster = cluster();
        let device = (0..)
            .map(|number| format!("d{number}").parse().unwrap())
            .find(|device| cluster.slot_owner(device) == SlotOwner::Local)
            .unwrap();
        let (show, shown) = watch::channel(view(2, 2));
        assert!(cluster.wait_for_view(&shown).now_or_never().is_some());
        // The other node rejoins. The backplane's view changes first, then the table.
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
