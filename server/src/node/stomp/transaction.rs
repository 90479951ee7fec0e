//! BEGIN, COMMIT and ABORT: frames that are carried out together.

use std::sync::Arc;

use highwater_stomp::{Command, Frame, header};

use super::{
    error::StompError, handler::StompHandler, request::PendingRequest, subscribe::required,
};
use crate::session::Session;

impl StompHandler {
    pub(super) fn begin(&self, frame: &Frame) -> Result<(), StompError> {
        let name = transaction_name(frame)?;
        let limits = &self.node.sessions.limits.stomp;
        self.state.lock().transactions.begin(name, limits)
    }

    pub(super) fn abort(&self, frame: &Frame) -> Result<(), StompError> {
        let name = transaction_name(frame)?;
        self.state.lock().transactions.take(name).map(drop)
    }

    /// Carries out the frames of a transaction in their order. Each is checked on its own; the
    /// first one that fails ends the session.
    pub(super) fn commit(&self, session: &Arc<Session>, frame: &Frame) -> Result<(), StompError> {
        let name = transaction_name(frame)?;
        let frames = self.state.lock().transactions.take(name)?;
        let mut pending: Vec<PendingRequest> = Vec::new();
        for held in &frames {
            match held.command {
                Command::Send => pending.extend(self.publish(session, held)?),
                _ => self.settle(held)?,
            }
        }
        self.finish(session, frame, pending)
    }

    pub(super) fn add_to_transaction(&self, name: &str, frame: &Frame) -> Result<(), StompError> {
        let limits = &self.node.sessions.limits.stomp;
        self.state.lock().transactions.add(name, frame, limits)
    }
}

fn transaction_name(frame: &Frame) -> Result<&str, StompError> {
    required(frame, header::TRANSACTION, "the name of a transaction")
}
