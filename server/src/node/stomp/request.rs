//! Requests that end later than their frame is handled.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use highwater_stomp::{Frame, header};
use tokio::sync::{OwnedSemaphorePermit, TryAcquireError};

use super::{error::StompError, handler::StompHandler};
use crate::session::Session;

/// The outcome of a part of a request that the cluster has in hand.
pub(super) type PendingRequest = BoxFuture<'static, Result<(), StompError>>;

impl StompHandler {
    /// Sends the receipt of a frame once everything that it asked for is done.
    pub(super) fn finish(
        &self,
        session: &Arc<Session>,
        frame: &Frame,
        pending: Vec<PendingRequest>,
    ) -> Result<(), StompError> {
        if pending.is_empty() {
            self.send_receipt(session, frame);
            return Ok(());
        }
        let permit = self.begin_request()?;
        let (node, state) = (Arc::clone(&self.node), Arc::clone(&self.state));
        let session = Arc::clone(session);
        let receipt = frame.get(header::RECEIPT).map(str::to_owned);
        tokio::spawn(async move {
            let limits = &node.sessions.limits;
            for request in pending {
                if let Err(error) = request.await {
                    node.metrics.stomp.errors.inc();
                    return state.fail(&session, &error, receipt.as_deref(), limits);
                }
            }
            state.send_receipt(&session, receipt.as_deref(), limits);
            drop(permit);
        });
        Ok(())
    }

    /// Counts a request as in flight until the permit is dropped.
    pub(super) fn begin_request(&self) -> Result<OwnedSemaphorePermit, StompError> {
        let permit = Arc::clone(&self.state.requests).try_acquire_owned();
        permit.map_err(|full: TryAcquireError| {
            debug_assert_eq!(full, TryAcquireError::NoPermits);
            let max = self.node.sessions.limits.stomp.in_flight;
            StompError::limit(format!("more than {max} requests in flight"))
        })
    }
}
