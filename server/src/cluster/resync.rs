//! The resynchronisation of the owner directory: follows the members, and learns the
//! connections of the slots that came to this node.
//!
//! ```text
//! view ──► set_slot_table ──► PullList ──► pull_node, for each node in the list
//!                                             │ request: slots with digests
//!                                             ▼
//! directory_partition ◄── apply ◄── listings of the slots that differ
//! ```
//!
//! The slot owner asks, because only it knows its entries. It also sets the pace, so a change
//! of members cannot overload it. A request carries digests: a node whose connections are all
//! known costs one request and one answer.

use std::{convert::Infallible, ops::ControlFlow, pin::pin, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::time::{Instant, sleep};

use super::{
    context::ClusterContext,
    directory_client::{close_replaced, register_local},
    directory_partition::{DEPARTED_GRACE, Pull},
    pull_answer,
    slots::SlotTable,
};
use crate::{
    id::{DeviceId, NodeId},
    message::{ClusterRequest, ClusterResponse, PullRequest, PulledSlots, RegistrationResult},
};

/// Nodes that are asked at once. They bound the entries that arrive together.
const MAX_CONCURRENT_PULLS: usize = 4;
/// Time in which a node must answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// Delay before the second attempt, for a node that has not seen the view yet. It doubles
/// with each attempt.
const INITIAL_RETRY_DELAY: Duration = Duration::from_millis(25);
/// The longest delay between two attempts.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(1);

/// Follows the views, and pulls the connections that each one leaves unknown, as long as the
/// node lives. Meanwhile it drops the entries of nodes that do not return.
pub(crate) async fn run(cluster: Arc<ClusterContext>) {
    tokio::select! {
        () = follow_views(&cluster) => {}
        // On its own, because views that come often end the pulls of the one before.
        never = expire_departed(&cluster) => match never {},
    }
}

async fn expire_departed(cluster: &ClusterContext) -> Infallible {
    loop {
        sleep(DEPARTED_GRACE / 4).await;
        cluster.directory.lock().expire_departed();
    }
}

async fn follow_views(cluster: &ClusterContext) {
    let mut views = cluster.backplane.view();
    loop {
        let view = views.borrow_and_update().clone();
        // A lost connection to the backplane changes the view too, but not its version.
        let version = view.version;
        if version != cluster.table().view.version {
            cluster.set_slot_table(Arc::new(SlotTable::new(view)));
        }
        let changed = async {
            views
                .wait_for(|view| view.version != version)
                .await
                .map(drop)
        };
        let mut changed = pin!(changed);
        let changed = tokio::select! {
            changed = &mut changed => changed,
            // Pulls that a further view interrupts stay in the list.
            () = pull_missing(cluster) => changed.await,
        };
        if changed.is_err() {
            return;
        }
    }
}

/// Pulls what is missing in this view.
async fn pull_missing(cluster: &ClusterContext) {
    let nodes = cluster.directory.lock().nodes_to_pull();
    stream::iter(nodes)
        .for_each_concurrent(MAX_CONCURRENT_PULLS, |node| async move {
            pull_node(cluster, &node).await;
        })
        .await;
}

/// Pulls until all connections of the node are known. A new view ends it from outside.
async fn pull_node(cluster: &ClusterContext, node: &NodeId) {
    let mut retry_delay = INITIAL_RETRY_DELAY;
    loop {
        // A statement of its own, so that the lock is released before the await below.
        let pull = cluster.directory.lock().next_pull(node);
        let Some(pull) = pull else {
            return;
        };
        if pull_slots(cluster, node, pull).await.is_continue() {
            retry_delay = INITIAL_RETRY_DELAY;
        } else {
            // Jittered: all slot owners ask a node that has just come.
            sleep(retry_delay.mul_f64(rand::random_range(0.5..1.0))).await;
            retry_delay = (retry_delay * 2).min(MAX_RETRY_DELAY);
        }
    }
}

/// Asks for the slots of one request and applies the answer. Breaks if the node has
/// answered nothing.
async fn pull_slots(cluster: &ClusterContext, node: &NodeId, pull: Pull) -> ControlFlow<()> {
    let Pull { mut request, round } = pull;
    loop {
        let slots: Vec<u16> = request.slots.iter().map(|(slot, _)| *slot).collect();
        let (version, after) = (request.version, request.after.clone());
        let Some(answer) = ask(cluster, node, request).await else {
            return ControlFlow::Break(());
        };
        let answered = usize::from(answer.answered).min(slots.len());
        let is_empty = answered == 0 && answer.listed.is_empty();
        let cut = apply(cluster, node, answer, (&slots, after.as_ref()), round);
        let mut directory = cluster.directory.lock();
        for slot in &slots[..answered] {
            directory.finish_pull(node, *slot, round);
        }
        drop(directory);
        match cut {
            _ if is_empty => return ControlFlow::Break(()),
            None => return ControlFlow::Continue(()),
            // The rest of a slot that did not fit the answer. Its digest is not compared.
            Some(after) => {
                request = PullRequest {
                    version,
                    slots: vec![(slots[answered], 0)],
                    after: Some(after),
                };
            }
        }
    }
}

async fn ask(cluster: &ClusterContext, node: &NodeId, request: PullRequest) -> Option<PulledSlots> {
    if *node == cluster.me {
        return Some(pull_answer::answer(cluster, request));
    }
    let request = ClusterRequest::Pull(request);
    let deadline = Instant::now() + ANSWER_TIMEOUT;
    match cluster.request(node, &request, deadline).await.ok()? {
        ClusterResponse::Pulled(answer) => Some(answer),
        _ => None,
    }
}

/// Registers the listed connections. Returns the last device of a slot that is listed in
/// part.
fn apply(
    cluster: &ClusterContext,
    node: &NodeId,
    answer: PulledSlots,
    asked: (&[u16], Option<&DeviceId>),
    round: u32,
) -> Option<DeviceId> {
    let (slots, first_after) = asked;
    let next = slots.get(usize::from(answer.answered)).copied();
    let mut cut = None;
    // Only slots that were asked for: a listing removes entries.
    let listed = answer.listed.into_iter();
    for listed in listed.filter(|listed| slots.contains(&listed.slot)) {
        let is_cut = Some(listed.slot) == next;
        let after = first_after.filter(|_| slots.first() == Some(&listed.slot));
        if is_cut {
            cut = listed.connections.last().map(|(device, _)| device.clone());
        }
        let mut directory = cluster.directory.lock();
        let connections = directory.apply_listing(node, listed, (after, is_cut), round);
        drop(directory);
        for (device, epoch) in connections {
            let result = register_local(cluster, node, &device, Some(epoch));
            if result == RegistrationResult::Superseded {
                close_replaced(cluster, node, &device, epoch);
            }
        }
    }
    cut
}
