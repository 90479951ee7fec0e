//! Sessions whose topics and queues are those of a broker of others.
//!
//! The node handles destinations below `/user` and `/app`, and passes all other frames on.

use std::{ops::ControlFlow, sync::Arc};

use highwater_stomp::{Command, Frame, Version, header};

use super::{
    error::StompError,
    handler::StompHandler,
    relay_link::RelayLink,
    state::{StompPhase, StompState},
    subscribe::required,
};
use crate::{
    net::ws::close::CloseReason,
    node::Node,
    session::Session,
    stomp_relay::{ConnectionEnd, RelayError, StompRelay, ToBroker},
};

/// The receipt of a DISCONNECT for which the client asked none.
const DISCONNECT_RECEIPT: &str = "highwater-disconnect";

/// The login of a client.
pub(super) struct RelayLogin {
    pub(super) versions: Vec<Version>,
    pub(super) login: Option<String>,
    pub(super) passcode: Option<String>,
}

impl StompHandler {
    /// Opens the session's connection to the broker. Until it is open, frames of the client wait
    /// in its decoder.
    pub(super) fn connect_relay(
        &self,
        session: &Arc<Session>,
        relay: Arc<StompRelay>,
        login: RelayLogin,
    ) {
        self.state.lock().phase = StompPhase::Connecting;
        let relayed = RelayedSession {
            node: Arc::clone(&self.node),
            state: Arc::clone(&self.state),
            session: Arc::clone(session),
        };
        tokio::spawn(async move { relayed.run(&relay, login).await });
    }

    /// Passes a frame to the broker, unless it is for the node. Returns whether it was passed.
    pub(super) fn forward(
        &self,
        session: &Arc<Session>,
        frame: &Frame,
    ) -> Result<bool, StompError> {
        if self.state.lock().relay.is_none() || self.is_local(frame)? {
            return Ok(false);
        }
        match frame.command {
            Command::Send => self.check_publishes(session)?,
            Command::Subscribe | Command::Unsubscribe => self.check_changes(session)?,
            _ => {}
        }
        let mut inner = self.state.lock();
        let version = inner.version;
        let Some(link) = &mut inner.relay else {
            return Ok(false);
        };
        let bytes = if frame.command == Command::Disconnect {
            let receipt = frame.get(header::RECEIPT).unwrap_or(DISCONNECT_RECEIPT);
            link.disconnect = Some(receipt.into());
            frame.clone().with(header::RECEIPT, receipt).encode(version)
        } else {
            frame.encode(version)
        };
        let bytes = bytes.map_err(|error| StompError::invalid(error.to_string()))?;
        let passed = link.to_broker.push(bytes);
        if frame.command == Command::Disconnect {
            inner.phase = StompPhase::Closed;
        }
        drop(inner);
        passed.map_err(|_| relay_error(&RelayError::Full))?;
        if let Some(relay) = &self.node.stomp_relay {
            relay.metrics.from_clients.inc();
        }
        Ok(true)
    }

    /// Whether the node handles a frame itself.
    fn is_local(&self, frame: &Frame) -> Result<bool, StompError> {
        match frame.command {
            Command::Send | Command::Subscribe => {
                let destination = required(frame, header::DESTINATION, "a destination")?;
                let is_local = is_of_node(destination);
                if is_local && frame.get(header::TRANSACTION).is_some() {
                    return Err(StompError::invalid(
                        "invalid header transaction: a transaction of the message broker \
                         contains no messages to /user and /app",
                    ));
                }
                Ok(is_local)
            }
            Command::Unsubscribe => {
                let id = frame.get(header::ID).or(frame.get(header::DESTINATION));
                let inner = self.state.lock();
                let mut own = inner.subscriptions.iter();
                Ok(own.any(|subscription| Some(&*subscription.id) == id))
            }
            // Messages to a user: nothing waits for their acknowledgement.
            Command::Ack | Command::Nack => {
                let id = frame.get(header::ID).or(frame.get(header::MESSAGE_ID));
                let number = id.and_then(|id| id.strip_prefix('n'));
                Ok(number.is_some_and(|digits| digits.parse::<u64>().is_ok()))
            }
            _ => Ok(false),
        }
    }
}

/// Whether the node handles a destination itself.
pub(super) fn is_of_node(destination: &str) -> bool {
    destination.starts_with("/user/") || destination.starts_with("/app/")
}

/// The task of a session's connection to the broker.
struct RelayedSession {
    node: Arc<Node>,
    state: Arc<StompState>,
    session: Arc<Session>,
}

impl RelayedSession {
    async fn run(self, relay: &StompRelay, login: RelayLogin) {
        let RelayLogin {
            versions,
            login,
            passcode,
        } = login;
        let opened = relay.open_session(versions, login, passcode).await;
        let (opened, to_broker) = match opened {
            Ok(opened) => opened,
            Err(error) => return self.fail(&relay_error(&error)),
        };
        let connected = opened.connected();
        let (version, server) = (connected.version, connected.server.clone());
        if !self.start(to_broker, version, server) {
            // The client has gone. The connection ends with its only sender.
            return;
        }
        let end = opened
            .run(|frame| {
                relay.metrics.to_clients.inc();
                self.pass(&frame)
            })
            .await;
        self.finish(&end);
    }

    /// Begins the session, and handles the frames that have waited. Returns whether the client
    /// is still there.
    fn start(&self, to_broker: ToBroker, version: Version, server: Option<String>) -> bool {
        // No frame is handled meanwhile by the connection of the client.
        let _handling = self.state.handling.lock();
        {
            let mut inner = self.state.lock();
            if !matches!(inner.phase, StompPhase::Connecting) {
                return false;
            }
            inner.relay = Some(Box::new(RelayLink {
                to_broker,
                disconnect: None,
            }));
        }
        let handler = StompHandler::new(Arc::clone(&self.node), Arc::clone(&self.state));
        handler.confirm(&self.session, version, server);
        if let Err(reason) = handler.handle_frames(&self.session) {
            self.session.write_queue.close(reason);
        }
        true
    }

    /// Passes a frame of the broker to the client.
    fn pass(&self, frame: &Frame) -> ControlFlow<()> {
        let limits = &self.node.sessions.limits;
        let ends = {
            let inner = self.state.lock();
            let disconnect = inner
                .relay
                .as_ref()
                .and_then(|link| link.disconnect.clone());
            let receipt = frame.get(header::RECEIPT_ID);
            disconnect.is_some() && receipt == disconnect.as_deref()
        };
        match frame.command {
            // The session is open.
            Command::Connected => {}
            Command::Receipt if ends => {
                if frame.get(header::RECEIPT_ID) != Some(DISCONNECT_RECEIPT) {
                    self.state.send(&self.session, frame, limits);
                }
                self.session.write_queue.close(CloseReason::Device);
                return ControlFlow::Break(());
            }
            Command::Error => {
                self.state.send(&self.session, frame, limits);
                self.session.write_queue.close(CloseReason::BadPayload);
                return ControlFlow::Break(());
            }
            _ => self.state.send(&self.session, frame, limits),
        }
        match self.session.is_open() {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    }

    /// Ends the session after its connection to the broker.
    fn finish(&self, end: &ConnectionEnd) {
        let link = self.state.lock().relay.take();
        if !self.session.is_open() {
            return;
        }
        // A broker may close the connection of a DISCONNECT before its receipt is read.
        if link.is_some_and(|link| link.disconnect.is_some()) {
            self.session.write_queue.close(CloseReason::Device);
            return;
        }
        let message = format!("the connection to the message broker was lost: {end}");
        self.fail(&StompError::unavailable(message));
    }

    fn fail(&self, error: &StompError) {
        let limits = &self.node.sessions.limits;
        self.node.metrics.stomp.errors.inc();
        self.state.fail(&self.session, error, None, limits);
    }
}

fn relay_error(error: &RelayError) -> StompError {
    match error {
        RelayError::Refused(_) => StompError::new(CloseReason::Unauthorized, error.to_string()),
        RelayError::Unreachable | RelayError::Full => StompError::unavailable(error.to_string()),
    }
}
