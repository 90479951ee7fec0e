//! Requests that wait for their reply.

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

/// All requests of one node that wait.
#[derive(Default)]
pub(super) struct Pending {
    next_correlation: AtomicU64,
    state: Mutex<PendingState>,
}

#[derive(Default)]
struct PendingState {
    requests: HashMap<u64, PendingRequest>,
    /// Who said farewell. Kept for one view longer than the seat: another node may
    /// still hand a request to it.
    leaving: HashMap<NodeId, LeavingNode>,
}

struct LeavingNode {
    /// The seat's.
    generation: u64,
    left: bool,
}

struct PendingRequest {
    /// The node that is to answer; changes when the request is forwarded.
    node: NodeId,
    reply: oneshot::Sender<Result<Bytes, RequestError>>,
}

/// One request's wait. Dropping it gives up.
pub(super) struct PendingReply {
    pending: Arc<Pending>,
    correlation: u64,
    reply: oneshot::Receiver<Result<Bytes, RequestError>>,
}

impl Pending {
    /// `Unprocessed` by a node that said farewell.
    pub(super) fn register(self: &Arc<Self>, at: &NodeId) -> Result<PendingReply, RequestError> {
        let correlation = self.next_correlation.fetch_add(1, Relaxed);
        let (sender, answer) = oneshot::channel();
        let mut state = self.lock();
        if state.leaving.contains_key(at) {
            return Err(RequestError::Unprocessed(at.clone()));
        }
        let waiting = PendingRequest {
            node: at.clone(),
            reply: sender,
        };
        state.requests.insert(correlation, waiting);
        Ok(PendingReply {
            pending: Arc::clone(self),
            correlation,
            reply: answer,
        })
    }

    /// Ends a wait. A number nobody waits for is a late reply: dropped.
    pub(super) fn complete(&self, correlation: u64, payload: Bytes) {
        if let Some(waiting) = self.remove(correlation) {
            let _ = waiting.reply.send(Ok(payload));
        }
    }

    /// The request went on to another node. When that one has already left, or said
    /// farewell, the wait ends here: nothing that comes later would end it.
    pub(super) fn redirect(&self, correlation: u64, to: NodeId, view: &View) {
        let mut state = self.lock();
        let error = if state.leaving.contains_key(&to) {
            // Its reply, had it acted, would have come before its farewell.
            RequestError::Unprocessed(to)
        } else if view.member(&to).is_none() {
            RequestError::Left(to)
        } else {
            if let Some(waiting) = state.requests.get_mut(&correlation) {
                waiting.node = to;
            }
            return;
        };
        if let Some(waiting) = state.requests.remove(&correlation) {
            let _ = waiting.reply.send(Err(error));
        }
    }

    /// Whether it said farewell.
    pub(super) fn is_leaving(&self, node: &NodeId) -> bool {
        self.lock().leaving.contains_key(node)
    }

    /// Ends every wait for a member that acts on no request any more.
    pub(super) fn handle_goaway(&self, member: &Member) {
        let farewell = LeavingNode {
            generation: member.generation,
            left: false,
        };
        self.lock().leaving.insert(member.id.clone(), farewell);
        self.fail_where(|at| (*at == member.id).then(|| RequestError::Unprocessed(at.clone())));
    }

    /// Ends every wait for a node that left between two views.
    pub(super) fn fail_departed(&self, before: &View, after: &View) {
        let stays = |id: &NodeId, joined| {
            after
                .member(id)
                .is_some_and(|member| member.generation == joined)
        };
        self.lock().leaving.retain(|id, farewell| {
            let stays = stays(id, farewell.generation);
            let just_left = !stays && !farewell.left && after.member(id).is_none();
            farewell.left = !stays;
            stays || just_left
        });
        let departed: Vec<_> = before
            .members
            .iter()
            .filter(|old| !stays(&old.id, old.generation))
            .collect();
        if !departed.is_empty() {
            self.fail_where(|at| {
                departed
                    .iter()
                    .any(|member| member.id == *at)
                    .then(|| RequestError::Left(at.clone()))
            });
        }
    }

    /// Ends every wait: the connection broke.
    pub(super) fn fail_all(&self) {
        self.fail_where(|_| Some(RequestError::Disconnected));
    }

    fn fail_where(&self, verdict: impl Fn(&NodeId) -> Option<RequestError>) {
        let failed = self
            .lock()
            .requests
            .extract_if(|_, waiting| verdict(&waiting.node).is_some())
            .collect::<Vec<_>>();
        for (_, waiting) in failed {
            if let Some(error) = verdict(&waiting.node) {
                let _ = waiting.reply.send(Err(error));
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

impl PendingReply {
    pub(super) fn correlation(&self) -> u64 {
        self.correlation
    }

    /// The answer, or why there is none by `deadline`.
    pub(super) async fn wait_until(mut self, deadline: Instant) -> Result<Bytes, RequestError> {
        match timeout_at(deadline, &mut self.reply).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(RequestError::Disconnected),
            Err(_) => match self.pending.remove(self.correlation) {
                Some(waiting) => Err(RequestError::Deadline { at: waiting.node }),
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
        self.pending.remove(self.correlation);
    }
}
