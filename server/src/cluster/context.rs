//! The state of a node's part in its cluster.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use parking_lot::Mutex;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use super::{
    directory_partition::DirectoryPartition,
    directory_update::DirectoryUpdate,
    pull_counts::PullCounts,
    routing::Routing,
    slots::{SlotOwner, SlotTable},
    topics::Topics,
    unregistered_sessions::UnregisteredSessions,
};
use crate::{
    backplane::{Backplane, RequestError, View},
    id::{DeviceId, NodeId},
    message::{ClusterRequest, ClusterResponse, DeviceLocation, decode, encode},
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
    /// This node's partition of the directory.
    pub(crate) directory: Mutex<DirectoryPartition>,
    /// The messages of queues, and the subscribers of this node.
    #[cfg(feature = "stomp")]
    pub(crate) queues: Arc<super::queues::Queues>,
    /// The devices that connected while there was no backplane.
    pub(crate) unregistered: UnregisteredSessions,
    /// The answers to slot owners that asked for this node's connections.
    pub(super) pull_counts: PullCounts,
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
        let table = watch::Sender::new(table);
        let cluster = Self {
            #[cfg(feature = "stomp")]
            queues: Arc::new(super::queues::Queues::new(
                me.clone(),
                Arc::clone(&backplane),
                table.subscribe(),
                sessions.limits.stomp.clone(),
            )),
            me,
            routing,
            topics: Topics::new(Arc::clone(&sessions), Arc::clone(&backplane)),
            backplane,
            sessions,
            directory_updates,
            table,
            directory,
            unregistered: UnregisteredSessions::default(),
            pull_counts: PullCounts::default(),
            command_ids: AtomicU64::new(0),
        };
        (cluster, update_rx)
    }

    /// Returns the slot table that this node uses.
    pub(crate) fn table(&self) -> Arc<SlotTable> {
        Arc::clone(&self.table.borrow())
    }

    /// Whether this node is connected to its backplane now.
    pub(crate) fn is_connected(&self) -> bool {
        self.backplane.view().borrow().connected
    }

    /// Changes to the slot table of another view.
    pub(super) fn set_slot_table(&self, table: Arc<SlotTable>) {
        // The directory first: a task that sees the new table may use the new entries.
        self.directory.lock().set_slot_table(Arc::clone(&table));
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

    /// Whether the device has, or had until a moment ago, a socket that this node knows of: its
    /// own, or one in its partition of the directory.
    pub(crate) fn knows_device(&self, device: &DeviceId) -> bool {
        self.sessions.registry.get(device).is_some() || self.directory.lock().has_entry(device)
    }

    /// Returns the location of a device in this node's partition.
    pub(super) fn locate_entry(&self, device: &DeviceId) -> DeviceLocation {
        self.directory.lock().locate(device)
    }

    /// Queues a request to another node, and returns the future of its answer.
    pub(crate) fn request(
        &self,
        to: &NodeId,
        request: &ClusterRequest,
        deadline: Instant,
    ) -> impl Future<Output = Result<ClusterResponse, RequestError>> + use<> {
        // Queued before the first poll, so that requests keep the order of the calls.
        let response = self.backplane.request(to, encode(request), deadline);
        let to = to.clone();
        // A node of another version counts as lost, since it may have acted.
        async move { decode(&response.await?).ok_or(RequestError::Left(to)) }
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

    use super::*;
    use crate::{
        cluster::fixture::{self, id, view},
        message::RegistrationResult,
    };

    #[tokio::test]
    async fn registration_of_rejoined_node_waits_for_its_view() {
        let cluster = fixture::cluster();
        let before = view(2, &[("me", 1), ("other", 2)]);
        let after = view(3, &[("me", 1), ("other", 3)]);
        cluster.set_slot_table(Arc::new(SlotTable::new(Arc::clone(&before))));
        let device = (0..)
            .map(|number| format!("d{number}").parse().unwrap())
            .find(|device| cluster.slot_owner(device) == SlotOwner::Local)
            .unwrap();
        let (show, shown) = watch::channel(before);
        assert!(cluster.wait_for_view(&shown).now_or_never().is_some());
        // The other node rejoins. The backplane's view changes first, then the table.
        show.send_replace(Arc::clone(&after));
        let register = async {
            cluster.wait_for_view(&shown).await;
            let mut directory = cluster.directory.lock();
            directory.register(&id("other"), &device, None)
        };
        let mut register = pin!(register);
        assert!(register.as_mut().now_or_never().is_none(), "too early");
        cluster.set_slot_table(Arc::new(SlotTable::new(after)));
        let (result, replaced) = register.await;
        assert!(matches!(result, RegistrationResult::Accepted(_)) && replaced.is_none());
        let located = cluster.locate_entry(&device);
        assert!(matches!(located, DeviceLocation::OnNode { owner, .. } if owner == id("other")));
    }
}
