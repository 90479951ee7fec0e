//! Requests that wait for their reply.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use super::{RequestError, View};
use crate::id::NodeId;

/// All requests of one node that wait.
#[derive(Default)]
pub(super) struct Pending {
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, Waiting>>,
}

struct Waiting {
    /// The node that is to answer; changes when the request is forwarded.
    at: NodeId,
    answer: oneshot::Sender<Result<Bytes, RequestError>>,
}

/// One request's wait. Dropping it gives up.
pub(super) struct Wait {
    pending: Arc<Pending>,
    correlation: u64,
    answer: oneshot::Receiver<Result<Bytes, RequestError>>,
}

impl Pending {
    pub(super) fn wait_for(self: &Arc<Self>, at: &NodeId) -> Wait {
        let correlation = self.next.fetch_add(1, Relaxed);
        let (sender, answer) = oneshot::channel();
        self.lock().insert(
            correlation,
            Waiting {
                at: at.clone(),
                answer: sender,
            },
        );
        Wait {
            pending: Arc::clone(self),
            correlation,
            answer,
        }
    }

    /// Ends a wait. A number nobody waits for is a late reply: dropped.
    pub(super) fn complete(&self, correlation: u64, payload: Bytes) {
        if let Some(waiting) = self.take(correlation) {
            let _ = waiting.answer.send(Ok(payload));
        }
    }

    /// The request went on to another node. When that one has already left, the
    /// wait ends here: no later view would end it.
    pub(super) fn forwarded(&self, correlation: u64, to: NodeId, view: &View) {
        if view.member(&to).is_none() {
            if let Some(waiting) = self.take(correlation) {
                let _ = waiting.answer.send(Err(RequestError::Left(to)));
            }
        } else if let Some(waiting) = self.lock().get_mut(&correlation) {
            waiting.at = to;
        }
    }

    /// Ends every wait for a node that left between two views.
    pub(super) fn fail_departed(&self, before: &View, after: &View) {
        let departed: Vec<_> = before
            .members
            .iter()
            .filter(|old| {
                after
                    .member(&old.id)
                    .is_none_or(|new| new.joined != old.joined)
            })
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
            .extract_if(|_, waiting| verdict(&waiting.at).is_some())
            .collect::<Vec<_>>();
        for (_, waiting) in failed {
            if let Some(error) = verdict(&waiting.at) {
                let _ = waiting.answer.send(Err(error));
            }
        }
    }

    fn take(&self, correlation: u64) -> Option<Waiting> {
        self.lock().remove(&correlation)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wait {
    pub(super) fn correlation(&self) -> u64 {
        self.correlation
    }

    /// The answer, or why there is none by `deadline`.
    pub(super) async fn until(mut self, deadline: Instant) -> Result<Bytes, RequestError> {
        match timeout_at(deadline, &mut self.answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(RequestError::Disconnected),
            Err(_) => match self.pending.take(self.correlation) {
                Some(waiting) => Err(RequestError::Deadline { at: waiting.at }),
                // Completed between the deadline and the lock.
                None => self
                    .answer
                    .try_recv()
                    .unwrap_or(Err(RequestError::Disconnected)),
            },
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.pending.take(self.correlation);
    }
}
