//! SEND: messages to topics, queues, users and the node.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use highwater_stomp::{Frame, header};

use super::{
    destination::Target, error::StompError, handler::StompHandler, message::passed_headers,
    request::PendingRequest, subscribe::required,
};
use crate::{
    cluster::{
        fan_out::{self, Publisher},
        queues::QueueSendError,
    },
    message::{QueueMessage, TopicMessage},
    node::Node,
    session::Session,
};

impl StompHandler {
    /// Carries out a SEND, or notes it in its transaction.
    pub(super) fn send(&self, session: &Arc<Session>, frame: &Frame) -> Result<(), StompError> {
        if let Some(transaction) = frame.get(header::TRANSACTION) {
            self.add_to_transaction(transaction, frame)?;
            self.send_receipt(session, frame);
            return Ok(());
        }
        let pending = self.publish(session, frame)?;
        self.finish(session, frame, pending.into_iter().collect())
    }

    /// Sends a message. Returns the part of it that the cluster has in hand.
    pub(super) fn publish(
        &self,
        session: &Arc<Session>,
        frame: &Frame,
    ) -> Result<Option<PendingRequest>, StompError> {
        self.check_publishes(session)?;
        let destination = required(frame, header::DESTINATION, "a destination")?;
        match Target::parse(destination)? {
            Target::App(request) => self.request(session, frame, request).map(|()| None),
            target => deliver(
                &self.node,
                target,
                passed_headers(frame),
                frame.body.clone(),
            ),
        }
    }

    pub(super) fn check_publishes(&self, session: &Session) -> Result<(), StompError> {
        let sessions = &self.node.sessions;
        let limit = sessions.limits.publishes_per_s;
        if session.allow_publish(sessions.wheel.now(), limit) {
            return Ok(());
        }
        self.node.cluster.topics.metrics().rejected_rate.inc();
        Err(StompError::limit(format!(
            "more than {limit} messages in a second"
        )))
    }
}

/// Sends a message to a topic or a queue. Returns the part that the cluster has in hand.
pub(super) fn deliver(
    node: &Node,
    target: Target,
    headers: Vec<(String, String)>,
    body: Bytes,
) -> Result<Option<PendingRequest>, StompError> {
    match target {
        Target::Topic(topic) => {
            let message = TopicMessage::new(topic, headers, body);
            fan_out::publish(&node.cluster, message, Publisher::Stomp)?;
            Ok(None)
        }
        Target::Queue(name) => {
            let message = QueueMessage {
                headers,
                body: body.into(),
            };
            let sent = node.cluster.queues.send(&name, message);
            let sent = sent.map(|sent| sent.map_err(|error| queue_error(&error)));
            Ok(Some(sent.boxed()))
        }
        // A reply goes to a topic or a queue.
        Target::App(_) => Ok(None),
    }
}

fn queue_error(error: &QueueSendError) -> StompError {
    match error {
        QueueSendError::Full => StompError::limit(error.to_string()),
        QueueSendError::Unreachable | QueueSendError::Unknown => {
            StompError::unavailable(error.to_string())
        }
    }
}
