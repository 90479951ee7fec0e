//! The requests that wait for their response.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use super::{Member, RequestError, View};
use crate::id::NodeId;

/// The pending requests of one node.
#[derive(Default)]
pub(super) struct Pending {
    next_correlation: AtomicU64,
    state: Mutex<PendingState>,
}

#[derive(Default)]
struct PendingState {
    requests: HashMap<u64, PendingRequest>,
    /// The nodes that sent a GoAway. A node stays here for one view longer than it is a
    /// member, because another node may still forward a request to it.
    leaving: HashMap<NodeId, LeavingNode>,
}

struct LeavingNode {
    /// The generation that sent the GoAway. A later one processes requests again.
    generation: u64,
    /// Whether a view without this generation was applied.
    left: bool,
}

struct PendingRequest {
    /// The node that must respond; it changes when the request is forwarded.
    node: NodeId,
    /// Sending fails when the requester cancels its wait at this instant, which is ignored.
    reply: oneshot::Sender<Result<Bytes, RequestError>>,
}

/// The wait for one response. Dropping it cancels the wait.
pub(super) struct PendingReply {
    pending: Arc<Pending>,
    pub(super) correlation: u64,
    reply: oneshot::Receiver<Result<Bytes, RequestError>>,
}

impl Pending {
    /// Registers a request to `node`. Fails with `Unprocessed` if `node` sent a GoAway.
    pub(super) fn register(self: &Arc<Self>, node: &NodeId) -> Result<PendingReply, RequestError> {
        let correlation = self.next_correlation.fetch_add(1, Relaxed);
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state.lock();
        // Checked under the lock of the insertion: a GoAway in between would miss the request.
        if state.leaving.contains_key(node) {
            return Err(RequestError::Unprocessed(node.clone()));
        }
        let request = PendingRequest {
            node: node.clone(),
            reply: sender,
        };
        state.requests.insert(correlation, request);
        Ok(PendingReply {
            pending: Arc::clone(self),
            correlation,
            reply: receiver,
        })
    }

    /// Completes a request. An unknown number is a late response and is dropped.
    pub(super) fn complete(&self, correlation: u64, payload: Bytes) {
        if let Some(request) = self.remove(correlation) {
            let _ = request.reply.send(Ok(payload));
        }
    }

    /// Moves a request to another node, or fails it if that node is leaving or has left.
    pub(super) fn redirect(&self, correlation: u64, to: NodeId, view: &View) {
        let mut state = self.state.lock();
        // Checked here, because the GoAway and the view that would fail the request have
        // been handled already.
        let error = if state.leaving.contains_key(&to) {
            // A response of `to` would have arrived before its GoAway.
            RequestError::Unprocessed(to)
        } else if view.member(&to).is_none() {
            RequestError::Left(to)
        } else {
            if let Some(request) = state.requests.get_mut(&correlation) {
                request.node = to;
            }
            return;
        };
        if let Some(request) = state.requests.remove(&correlation) {
            let _ = request.reply.send(Err(error));
        }
    }

    /// Whether `node` sent a GoAway.
    pub(super) fn is_leaving(&self, node: &NodeId) -> bool {
        self.state.lock().leaving.contains_key(node)
    }

    /// Fails the requests to a member that sent a GoAway.
    ///
    /// A node sends a GoAway last. It tells a node that left in order from one that died
    /// with the command: only the former's requests may go to another node.
    pub(super) fn handle_goaway(&self, member: &Member) {
        // Before the requests fail, so that `register` rejects those that come in between.
        let leaving = LeavingNode {
            generation: member.generation,
            left: false,
        };
        self.state.lock().leaving.insert(member.id.clone(), leaving);
        self.fail_where(|node| *node == member.id, RequestError::Unprocessed);
    }

    /// Fails the requests to members that left between two views.
    pub(super) fn fail_departed(&self, before: &View, after: &View) {
        let stays = |id: &NodeId, generation| {
            after.member(id).map(|member| member.generation) == Some(generation)
        };
        self.state.lock().leaving.retain(|id, leaving| {
            // Kept for the view in which it left and dropped with the next one, or at once
            // when the node has joined again.
            let stays = stays(id, leaving.generation);
            let just_left = !stays && !leaving.left && after.member(id).is_none();
            leaving.left = !stays;
            stays || just_left
        });
        let departed: HashSet<&NodeId> = before
            .members
            .iter()
            .filter(|old| !stays(&old.id, old.generation))
            .map(|old| &old.id)
            .collect();
        // Most views add a member: then no request is looked at.
        if !departed.is_empty() {
            self.fail_where(|node| departed.contains(node), RequestError::Left);
        }
    }

    /// Fails every request, because the connection broke.
    pub(super) fn fail_all(&self) {
        self.fail_where(|_| true, |_| RequestError::Disconnected);
    }

    fn fail_where(&self, fails: impl Fn(&NodeId) -> bool, error: impl Fn(NodeId) -> RequestError) {
        let mut state = self.state.lock();
        for (_, request) in state.requests.extract_if(|_, request| fails(&request.node)) {
            let _ = request.reply.send(Err(error(request.node)));
        }
    }

    fn remove(&self, correlation: u64) -> Option<PendingRequest> {
        self.state.lock().requests.remove(&correlation)
    }
}

impl PendingReply {
    /// Waits for the response until `deadline`.
    pub(super) async fn wait_until(mut self, deadline: Instant) -> Result<Bytes, RequestError> {
        match timeout_at(deadline, &mut self.reply).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(RequestError::Disconnected),
            Err(_) => match self.pending.remove(self.correlation) {
                Some(request) => Err(RequestError::Deadline { at: request.node }),
                // Completed between the deadline and the lock.
                None => self
                    .reply
                    .try_recv()
                    .unwrap_or(Err(RequestError::Disconnected)),
            },
        }
    }
}

impl Drop for PendingReply {
    fn drop(&mut self) {
        // A cancelled wait must not leave its entry behind.
        self.pending.remove(self.correlation);
    }
}
