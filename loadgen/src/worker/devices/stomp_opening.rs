//! The session of STOMP between the handshake and an open socket.

use std::time::Duration;

use futures_util::StreamExt;
use highwater_scenarios::{
    frames::StompTexts,
    plan::{DevicePool, SystemSpec},
};
use highwater_stomp::{Command, Connect, Connected, Frame, HeartBeat, Version, header};
use highwater_types::format;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Message;

use super::{
    connect_error::ConnectError,
    connect_failure::ConnectFailure,
    disconnect::{Disconnect, DisconnectKind},
    opening::failure_of,
    schedule::ScheduledDevice,
    socket_io::answer_close,
    upgrade::DeviceSocket,
};
use crate::worker::{
    context::Context,
    dialect::stomp::subscribe,
    observer::{FrameUse, SocketEvent, observe},
    stomp::{HeartBeats, StompSession, names, session},
};

/// The number in `connect.failed.open_N` of a CONNECT without its CONNECTED.
const CONNECT_STEP: u8 = 1;
/// The number of a SUBSCRIBE without its RECEIPT.
const SUBSCRIBE_STEP: u8 = 2;

/// A socket on its way to an open session.
pub struct StompOpening<'a> {
    /// The worker's run.
    pub context: &'a Context,
    /// The socket.
    pub socket: &'a mut DeviceSocket,
    /// The device's pool.
    pub pool: &'a DevicePool,
    /// The device.
    pub device: &'a ScheduledDevice,
    /// The texts of the device's frames.
    pub texts: StompTexts,
    /// The end of the attempt.
    pub deadline: Instant,
}

impl StompOpening<'_> {
    /// Opens the session: CONNECT and CONNECTED, then a SUBSCRIBE and a RECEIPT for each
    /// subscription of the pool.
    pub async fn run(mut self) -> Result<StompSession, ConnectError> {
        let mut session = StompSession::new(self.pool.max_message as usize);
        let connecting = timeout_at(self.deadline, self.connect(&mut session)).await;
        connecting.unwrap_or_else(|_| Err(self.nothing_came(CONNECT_STEP)))?;
        let subscribing = timeout_at(self.deadline, self.subscribe(&mut session)).await;
        subscribing.unwrap_or_else(|_| Err(self.nothing_came(SUBSCRIBE_STEP)))?;
        Ok(session)
    }

    async fn connect(&mut self, session: &mut StompSession) -> Result<(), ConnectError> {
        let offered = heart_beat(self.pool.heartbeat);
        let connect = Connect {
            versions: self.versions(),
            host: Some(self.texts.host.clone()),
            login: self.texts.login.clone(),
            passcode: self.texts.passcode.clone(),
            heart_beat: offered,
        };
        self.send(session, &connect.to_frame(), CONNECT_STEP)
            .await?;
        loop {
            for frame in self.receive(session, CONNECT_STEP).await? {
                if frame.command != Command::Connected {
                    continue;
                }
                let connected = Connected::from_frame(&frame).map_err(|error| {
                    ConnectError::new(ConnectFailure::StompProtocol, error.to_string())
                })?;
                let intervals = offered.negotiate(connected.heart_beat);
                let phase = self.device.heartbeat_phase;
                let beats = HeartBeats::new(intervals, Instant::now(), phase);
                session.on_connected(connected.version, beats);
                observe(|| SocketEvent::Used(FrameUse::OpenStep(CONNECT_STEP)));
                return Ok(());
            }
        }
    }

    async fn subscribe(&mut self, session: &mut StompSession) -> Result<(), ConnectError> {
        let mut missing = Vec::new();
        let subscriptions = std::mem::take(&mut self.texts.subscriptions);
        for (index, (destination, ack)) in subscriptions.iter().enumerate() {
            let id = names::pool_subscription(index, *ack);
            let frame = subscribe(&id, destination, *ack).with(header::RECEIPT, &id);
            self.send(session, &frame, SUBSCRIBE_STEP).await?;
            missing.push(id);
        }
        while !missing.is_empty() {
            for frame in self.receive(session, SUBSCRIBE_STEP).await? {
                match frame.command {
                    Command::Receipt => {
                        let receipt = frame.get(header::RECEIPT_ID);
                        missing.retain(|id| Some(id.as_str()) != receipt);
                        observe(|| SocketEvent::Used(FrameUse::OpenStep(SUBSCRIBE_STEP)));
                    }
                    // A destination may have messages already.
                    Command::Message => {
                        self.context.record_message_received();
                        if let Some(ack) = session.acknowledgement(&frame) {
                            self.write(ack, SUBSCRIBE_STEP).await?;
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Returns the versions of the subprotocols that the target is offered.
    fn versions(&self) -> Vec<Version> {
        let SystemSpec::Target(target) = &self.context.plan.system else {
            return Version::ALL.to_vec();
        };
        let names = target.subprotocol.iter();
        let versions: Vec<_> = names
            .filter_map(|name| Version::from_subprotocol(name))
            .collect();
        match versions.is_empty() {
            true => Version::ALL.to_vec(),
            false => versions,
        }
    }

    async fn send(
        &mut self,
        session: &StompSession,
        frame: &Frame,
        step: u8,
    ) -> Result<(), ConnectError> {
        let message = session.encode(frame).map_err(|error| {
            // The error names the header, and not its value.
            ConnectError::new(ConnectFailure::InvalidValue, error.to_string())
        })?;
        self.write(message, step).await
    }

    async fn write(&mut self, message: Message, step: u8) -> Result<(), ConnectError> {
        observe(|| SocketEvent::Sent(&message));
        let sent = self.socket.send(message).await;
        sent.map_err(|error| failure_of(Disconnect::from(&error), step))
    }

    /// Waits for the next message and returns its frames. An ERROR ends the attempt.
    async fn receive(
        &mut self,
        session: &mut StompSession,
        step: u8,
    ) -> Result<Vec<Frame>, ConnectError> {
        let message = match self.socket.next().await {
            Some(Ok(message)) => message,
            Some(Err(error)) => return Err(failure_of(Disconnect::from(&error), step)),
            None => return Err(failure_of(DisconnectKind::Reset.into(), step)),
        };
        observe(|| SocketEvent::Received(&message));
        let payload = match message {
            Message::Close(frame) => {
                return Err(failure_of(answer_close(self.socket, frame).await, step));
            }
            Message::Text(text) => text.into(),
            Message::Binary(bytes) => bytes,
            _ => return Ok(Vec::new()),
        };
        let frames = session
            .receive(&payload)
            .map_err(|error| ConnectError::new(ConnectFailure::StompProtocol, error.to_string()))?;
        let frames = frames.unwrap_or_default();
        match frames.iter().find(|frame| frame.command == Command::Error) {
            Some(error) => Err(ConnectError::new(
                ConnectFailure::StompError,
                session::error_reason(error),
            )),
            None => Ok(frames),
        }
    }

    fn nothing_came(&self, step: u8) -> ConnectError {
        let limit = format::duration(self.pool.connect_timeout);
        let awaited = match step {
            CONNECT_STEP => "CONNECTED",
            _ => "RECEIPT of every subscription",
        };
        let error = format!("no {awaited} came within {limit}");
        ConnectError::new(ConnectFailure::OpenStep(step), error)
    }
}

/// Returns what a session offers and wants.
fn heart_beat(period: Duration) -> HeartBeat {
    let millis = u32::try_from(period.as_millis()).unwrap_or(u32::MAX);
    HeartBeat {
        can_send_ms: millis,
        wants_ms: millis,
    }
}
