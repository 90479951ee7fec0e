//! The requests that wait for their response.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
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
    reply: oneshot::Sender<Result<Bytes, RequestError>>,
}

/// The wait for one response. Dropping it cancels the wait.
pub(super) struct PendingReply {
    pending: Arc<Pending>,
    correlation: u64,
    reply: oneshot::Receiver<Result<Bytes, RequestError>>,
}

impl Pending {
    /// Registers a request to `node`. Fails with `Unprocessed` if `node` sent a GoAway.
    pub(super) fn register(self: &Arc<Self>, node: &NodeId) -> Result<PendingReply, RequestError> {
        let correlation = self.next_correlation.fetch_add(1, Relaxed);
        let (sender, receiver) = oneshot::channel();
        let mut state = self.lock();
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
            request.finish(Ok(payload));
        }
    }

    /// Moves a request to another node, or fails it if that node is leaving or has left.
    pub(super) fn redirect(&self, correlation: u64, to: NodeId, view: &View) {
        let mut state = self.lock();
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
            request.finish(Err(error));
        }
    }

    /// Whether `node` sent a GoAway.
    pub(super) fn is_leaving(&self, node: &NodeId) -> bool {
        self.lock().leaving.contains_key(node)
    }

    /// Fails the requests to a member that sent a GoAway.
    ///
    /// A node sends a GoAway last. It tells a node that left in order from one that died
    /// with the command: only the former's requests may go to another node.
    pub(super) fn handle_goaway(&self, member: &Member) {
        let leaving = LeavingNode {
            generation: member.generation,
            left: false,
        };
        self.lock().leaving.insert(member.id.clone(), leaving);
        self.fail_where(|node| {
            (*node == member.id).then(|| RequestError::Unprocessed(node.clone()))
        });
    }

    /// Fails the requests to members that left between two views.
    pub(super) fn fail_departed(&self, before: &View, after: &View) {
        let stays = |id: &NodeId, generation| {
            after
                .member(id)
                .is_some_and(|member| member.generation == generation)
        };
        self.lock().leaving.retain(|id, leaving| {
            // Kept for the view in which it left and dropped with the next one, or at once
            // when the node has joined again.
            let stays = stays(id, leaving.generation);
            let just_left = !stays && !leaving.left && after.member(id).is_none();
            leaving.left = !stays;
            stays || just_left
        });
        let departed: Vec<_> = before
            .members
            .iter()
            .filter(|old| !stays(&old.id, old.generation))
            .collect();
        if !departed.is_empty() {
            self.fail_where(|node| {
                departed
                    .iter()
                    .any(|member| member.id == *node)
                    .then(|| RequestError::Left(node.clone()))
            });
        }
    }

    /// Fails every request, because the connection broke.
    pub(super) fn fail_all(&self) {
        self.fail_where(|_| Some(RequestError::Disconnected));
    }

    fn fail_where(&self, error_for: impl Fn(&NodeId) -> Option<RequestError>) {
        let mut state = self.lock();
        let failed = state
            .requests
            .extract_if(|_, request| error_for(&request.node).is_some());
        for (_, request) in failed {
            if let Some(error) = error_for(&request.node) {
                request.finish(Err(error));
            }
        }
    }

    fn remove(&self, correlation: u64) -> Option<PendingRequest> {
        self.lock().requests.remove(&correlation)
    }

    fn lock(&self) -> MutexGuard<'_, PendingState> {
        self.state.lock()
    }
}

impl PendingRequest {
    fn finish(self, result: Result<Bytes, RequestError>) {
        // It fails when the requester cancelled its wait at this instant.
        let _ = self.reply.send(result);
    }
}

impl PendingReply {
    pub(super) fn correlation(&self) -> u64 {
        self.correlation
    }

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
