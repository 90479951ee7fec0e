//! The frames of a client.

use std::sync::Arc;

use highwater_stomp::{Command, Decoded, Frame, Version, header};

use super::{
    error::StompError,
    state::{Closing, StompPhase, StompState},
    subscription::SubscribedSource,
};
use crate::{
    cluster::fail_pending,
    net::ws::{close::CloseReason, decode::AllowedMessages},
    node::Node,
    session::{Session, SessionContext, handler::SessionHandler},
};

/// The bytes of a WebSocket message beyond head and body of a frame: the NUL and heart-beats.
const MESSAGE_HEADROOM_BYTES: usize = 64;

/// The handler of one client's frames.
pub(crate) struct StompHandler {
    pub(super) node: Arc<Node>,
    pub(super) state: Arc<StompState>,
}

impl SessionHandler for StompHandler {
    const MESSAGES: AllowedMessages = AllowedMessages::TextAndBinary;

    fn sessions(&self) -> &SessionContext {
        &self.node.sessions
    }

    fn max_message_bytes(&self) -> usize {
        let limits = &self.node.sessions.limits.stomp;
        limits.head_bytes + limits.body_bytes + MESSAGE_HEADROOM_BYTES
    }

    fn handle_text(&self, session: &Arc<Session>, text: &str) -> Result<(), CloseReason> {
        self.handle_bytes(session, text.as_bytes())
    }

    fn handle_binary(&self, session: &Arc<Session>, bytes: &[u8]) -> Result<(), CloseReason> {
        self.handle_bytes(session, bytes)
    }

    fn partial_bytes(&self) -> usize {
        self.state.lock().decoder.partial_bytes()
    }

    fn handle_closing(&self, session: &Arc<Session>, reason: CloseReason) {
        self.end_session();
        fail_pending(&self.node.cluster, session, reason);
    }

    fn handle_closed(&self, session: &Arc<Session>, reason: CloseReason) {
        self.handle_closing(session, reason);
        self.node.sessions.clients.remove(session, None);
        self.node.sessions.metrics.socket_closed(reason);
        self.node.release_socket(session);
    }
}

impl StompHandler {
    pub(crate) fn new(node: Arc<Node>, state: Arc<StompState>) -> Self {
        Self { node, state }
    }

    fn handle_bytes(&self, session: &Arc<Session>, bytes: &[u8]) -> Result<(), CloseReason> {
        let _handling = self.state.handling.lock();
        let waiting = {
            let mut inner = self.state.lock();
            inner.decoder.push(bytes);
            inner.decoder.partial_bytes()
        };
        if waiting > self.max_message_bytes() {
            // Frames only wait while the connection to a broker opens.
            let error = StompError::limit("too many frames before CONNECTED");
            if matches!(self.state.lock().phase, StompPhase::Connecting) {
                return Err(self.fail(session, &error, None));
            }
        }
        self.handle_frames(session)
    }

    /// Handles the frames that have arrived.
    pub(super) fn handle_frames(&self, session: &Arc<Session>) -> Result<(), CloseReason> {
        loop {
            if matches!(self.state.lock().phase, StompPhase::Connecting) {
                return Ok(());
            }
            // A statement of its own, so that the lock is released.
            let next = self.state.lock().decoder.next_frame();
            match next {
                Ok(None) => return Ok(()),
                // The connection has noted the sign of life.
                Ok(Some(Decoded::HeartBeat)) => {}
                Ok(Some(Decoded::Frame(frame))) => self.handle_frame(session, &frame)?,
                Err(error) => return Err(self.fail(session, &error.into(), None)),
            }
        }
    }

    fn handle_frame(&self, session: &Arc<Session>, frame: &Frame) -> Result<(), CloseReason> {
        if matches!(self.state.lock().phase, StompPhase::Closed) {
            return Ok(());
        }
        self.node.metrics.stomp.frame(frame.command);
        let handled = self
            .check_rate()
            .and_then(|()| self.dispatch(session, frame));
        let receipt = frame.get(header::RECEIPT);
        handled.map_err(|error| self.fail(session, &error, receipt))
    }

    fn dispatch(&self, session: &Arc<Session>, frame: &Frame) -> Result<(), StompError> {
        let is_open = matches!(self.state.lock().phase, StompPhase::Connected);
        let is_connect = matches!(frame.command, Command::Connect | Command::Stomp);
        if !is_open && !is_connect {
            let command = frame.command;
            return Err(StompError::invalid(format!(
                "invalid {command}: expected CONNECT or STOMP first"
            )));
        }
        if !is_connect && self.forward(session, frame)? {
            return Ok(());
        }
        match frame.command {
            Command::Connect | Command::Stomp => return self.connect(session, frame),
            Command::Disconnect => {
                self.disconnect(session, frame);
                return Ok(());
            }
            Command::Send => return self.send(session, frame),
            Command::Subscribe => self.subscribe(session, frame)?,
            Command::Unsubscribe => self.unsubscribe(session, frame)?,
            Command::Nack if self.version() == Version::V1_0 => return Err(of_server(frame)),
            Command::Ack | Command::Nack => self.acknowledge(frame)?,
            Command::Begin => self.begin(frame)?,
            Command::Commit => return self.commit(session, frame),
            Command::Abort => self.abort(frame)?,
            Command::Connected | Command::Message | Command::Receipt | Command::Error => {
                return Err(of_server(frame));
            }
        }
        self.send_receipt(session, frame);
        Ok(())
    }

    /// Ends the session in order: after everything that the client asked for before.
    fn disconnect(&self, session: &Arc<Session>, frame: &Frame) {
        self.state.lock().phase = StompPhase::Closed;
        let (node, state) = (Arc::clone(&self.node), Arc::clone(&self.state));
        let session = Arc::clone(session);
        let receipt = frame.get(header::RECEIPT).map(str::to_owned);
        tokio::spawn(async move {
            state.wait_requests().await;
            state.send_receipt(&session, receipt.as_deref(), &node.sessions.limits);
            session.write_queue.close(CloseReason::Device);
        });
    }

    fn check_rate(&self) -> Result<(), StompError> {
        let sessions = &self.node.sessions;
        let limit = sessions.limits.frames_per_s;
        let is_within = self.state.lock().count_frame(sessions.wheel.now(), limit);
        match is_within {
            true => Ok(()),
            false => Err(StompError::limit(format!(
                "more than {limit} frames in a second"
            ))),
        }
    }

    pub(super) fn version(&self) -> Version {
        self.state.lock().version
    }

    pub(super) fn send_receipt(&self, session: &Session, frame: &Frame) {
        let limits = &self.node.sessions.limits;
        self.state
            .send_receipt(session, frame.get(header::RECEIPT), limits);
    }

    fn fail(&self, session: &Session, error: &StompError, receipt: Option<&str>) -> CloseReason {
        self.node.metrics.stomp.errors.inc();
        let limits = &self.node.sessions.limits;
        self.state.fail(session, error, receipt, limits);
        error.close
    }

    /// Ends subscriptions to queues, and returns messages that are not acknowledged.
    fn end_session(&self) {
        let was_counted = std::mem::take(&mut self.state.lock().is_counted);
        let Closing {
            subscriptions,
            unacked,
            relay,
        } = self.state.close();
        for subscription in subscriptions {
            // Subscriptions to topics end with the session itself.
            if let SubscribedSource::Queue { name, consumer } = subscription.source {
                self.node.cluster.queues.unsubscribe(&name, consumer);
            }
        }
        // After the subscriptions, so that no message comes back to this session.
        drop(unacked);
        drop(relay);
        if was_counted {
            self.node.metrics.stomp.sessions.dec();
        }
    }
}

fn of_server(frame: &Frame) -> StompError {
    let command = frame.command;
    StompError::invalid(format!("invalid {command}: expected a frame of a client"))
}
