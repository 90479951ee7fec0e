//! An open socket until it ends.
//!
//! ```text
//! Open ──close signal──► AwaitingClose ──its turn──► Closing ──answered, or in time──► Drained
//!  │ ▲                      │
//!  │ └ heartbeats           │ frames are still read
//!  └───────► Lost ◄─────────┘
//! ```

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use highwater_scenarios::plan::DevicePool;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{
    Error, Message,
    error::ProtocolError,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use super::{
    compression::inflater::is_invalid_deflate,
    heartbeat::{DeviceHeartbeat, HeartbeatAction},
    schedule::ScheduledDevice,
    traffic::DeviceTraffic,
    upgrade::DeviceSocket,
};
use crate::worker::{
    context::Context,
    dialect::{Incoming, ReconnectAdvice},
};

/// Longest time that the server may take to answer a close frame, or to take a reply or a
/// subscription.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Sockets that one worker closes per second in the drain. The coordinator's deadline for
/// the drain counts with it.
const CLOSES_PER_SECOND: u32 = 2_000;

/// The way in which an open socket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketEnd {
    /// The socket closed in order at the end of the run.
    Drained,
    /// The socket ended in another way.
    Lost {
        /// The cause.
        cause: DisconnectKind,
        /// The node's advice when to reconnect, if it gave any.
        advice: Option<ReconnectAdvice>,
    },
}

/// The cause of a lost socket: the KIND of `disconnect.KIND`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisconnectKind {
    /// The server sent a close frame with this code.
    Closed(u16),
    /// The connection broke without a close frame.
    Reset,
    /// The server broke the protocol.
    Protocol,
    /// A message was larger than the pool's `max_message`: a limit of the harness.
    MessageTooLarge,
    /// The client closed it after too many missed heartbeats.
    HeartbeatsMissed,
}

/// The state of an open socket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SocketState {
    Open,
    /// The run closes sockets, and the turn of this socket comes later.
    AwaitingClose,
    /// The close frame is sent.
    Closing,
}

/// The effect of a received frame on the loop.
enum FrameEffect {
    None,
    /// An answer came, so that the next frame may be due earlier.
    Rescheduled,
    Disconnected(DisconnectKind),
}

/// An open socket and all that belongs to it.
struct Session<'a> {
    context: &'a Context,
    pool: &'a DevicePool,
    device: &'a ScheduledDevice,
    socket: &'a mut DeviceSocket,
    traffic: &'a mut DeviceTraffic,
    heartbeat: DeviceHeartbeat,
    state: SocketState,
    advice: Option<ReconnectAdvice>,
}

/// Runs an open socket until it ends: sends heartbeats, messages and telemetry, and
/// answers commands.
pub async fn run_session(
    context: &Context,
    pool: &DevicePool,
    device: &ScheduledDevice,
    socket: &mut DeviceSocket,
    traffic: &mut DeviceTraffic,
) -> SocketEnd {
    let mut session = Session {
        context,
        pool,
        device,
        socket,
        traffic,
        heartbeat: DeviceHeartbeat::new(Instant::now(), pool.heartbeat, device.heartbeat_phase),
        state: SocketState::Open,
        advice: None,
    };
    match session.run().await {
        Ok(()) => SocketEnd::Drained,
        Err(cause) => {
            session.heartbeat.record_missed(&context.recorder);
            SocketEnd::Lost {
                cause,
                advice: session.advice,
            }
        }
    }
}

impl DisconnectKind {
    /// Returns the KIND of `disconnect.KIND`.
    pub fn kind(self) -> String {
        match self {
            Self::Closed(code) => format!("closed_{code}"),
            Self::Reset => "reset".to_owned(),
            Self::Protocol => "protocol".to_owned(),
            Self::MessageTooLarge => "message_too_large".to_owned(),
            Self::HeartbeatsMissed => "gave_up".to_owned(),
        }
    }
}

impl From<&Error> for DisconnectKind {
    fn from(error: &Error) -> Self {
        match error {
            // tungstenite calls a TCP connection that ends without a close frame an error of
            // the protocol.
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Reset,
            Error::Capacity(_) => Self::MessageTooLarge,
            Error::Protocol(_) | Error::Utf8(_) => Self::Protocol,
            Error::Io(error) if is_invalid_deflate(error) => Self::Protocol,
            _ => Self::Reset,
        }
    }
}

impl Session<'_> {
    /// Runs until the socket is drained, or lost for the cause that is returned.
    async fn run(&mut self) -> Result<(), DisconnectKind> {
        let context = self.context;
        if self.traffic.topics.is_some() {
            // Boxed: an idle device without topics does not hold it.
            Box::pin(self.subscribe()).await?;
        }
        if let Some(telemetry) = &mut self.traffic.telemetry {
            telemetry.on_connected();
        }
        // One timer for all that is due: a second one would add its size to every socket.
        let wake = sleep_until(self.next_due());
        tokio::pin!(wake);
        loop {
            tokio::select! {
                // Frames first: an answer that has arrived is not a missed one.
                biased;
                frame = self.socket.next() => {
                    // Boxed: otherwise every idle socket holds what an instant needs.
                    match Box::pin(self.handle_frame(frame)).await {
                        FrameEffect::None => {}
                        FrameEffect::Rescheduled if self.state == SocketState::Open => {
                            wake.as_mut().reset(self.next_due());
                        }
                        FrameEffect::Rescheduled => {}
                        FrameEffect::Disconnected(_) if self.state == SocketState::Closing => {
                            return Ok(());
                        }
                        FrameEffect::Disconnected(cause) => return Err(cause),
                    }
                }
                () = &mut wake => {
                    // Boxed for the same reason.
                    match Box::pin(self.on_wake()).await? {
                        Some(next) => wake.as_mut().reset(next),
                        None => return Ok(()),
                    }
                }
                () = context.signals.close.cancelled(), if self.state == SocketState::Open => {
                    // Each socket in its turn: the answers to thousands of close frames at
                    // once would take longer than their timeout.
                    let turn = Duration::from_secs(1) * self.device.number / CLOSES_PER_SECOND;
                    wake.as_mut().reset(Instant::now() + turn);
                    self.state = SocketState::AwaitingClose;
                }
            }
        }
    }

    /// Returns when the next heartbeat, message or telemetry record is due.
    fn next_due(&self) -> Instant {
        let heartbeat = self.heartbeat.next_due();
        let traffic = self.traffic.next_due(self.context);
        traffic.map_or(heartbeat, |due| due.min(heartbeat))
    }

    /// Does what the timer was set for. Returns when to wake next; `None` ends a session
    /// whose close frame had no answer.
    async fn on_wake(&mut self) -> Result<Option<Instant>, DisconnectKind> {
        match self.state {
            SocketState::Open => {
                self.send_due().await?;
                Ok(Some(self.next_due()))
            }
            SocketState::AwaitingClose => {
                send_close(self.socket, None).await;
                self.state = SocketState::Closing;
                Ok(Some(Instant::now() + CLOSE_TIMEOUT))
            }
            SocketState::Closing => Ok(None),
        }
    }

    /// Subscribes to the device's topics, if it has any.
    async fn subscribe(&mut self) -> Result<(), DisconnectKind> {
        let topics = self.traffic.topics.as_mut();
        for frame in topics.map_or_else(Vec::new, |topics| topics.on_open(self.context)) {
            send_frame(self.socket, frame, CLOSE_TIMEOUT).await?;
        }
        Ok(())
    }

    /// Sends everything that is due now: a heartbeat, a message, telemetry.
    async fn send_due(&mut self) -> Result<(), DisconnectKind> {
        let now = Instant::now();
        // A peer that takes no frame for a whole period would miss the next heartbeat.
        let write_timeout = self.pool.heartbeat;
        if self.heartbeat.next_due() <= now {
            let recorder = &self.context.recorder;
            match self.heartbeat.on_due(now, self.pool.max_missed, recorder) {
                HeartbeatAction::CloseSocket => {
                    send_close(self.socket, None).await;
                    return Err(DisconnectKind::HeartbeatsMissed);
                }
                HeartbeatAction::Send(number) => {
                    let frame = self.context.dialect.heartbeat_frame(number);
                    send_frame(self.socket, frame, write_timeout).await?;
                }
            }
        }
        let DeviceTraffic { topics, telemetry } = self.traffic;
        if let Some(frame) = topics.as_mut().and_then(|t| t.next_frame(self.context)) {
            send_frame(self.socket, frame, write_timeout).await?;
        }
        while let Some(frame) = telemetry.as_mut().and_then(|t| t.next_frame(self.context)) {
            send_frame(self.socket, frame, write_timeout).await?;
        }
        Ok(())
    }

    async fn handle_frame(&mut self, frame: Option<Result<Message, Error>>) -> FrameEffect {
        match frame {
            Some(Ok(Message::Close(frame))) => self.answer_close(frame).await,
            Some(Ok(frame)) => self.handle_message(&frame).await,
            Some(Err(error)) => {
                let cause = DisconnectKind::from(&error);
                if cause == DisconnectKind::MessageTooLarge {
                    // RFC 6455, section 7.4.1: the server learns why it is left.
                    send_close(self.socket, Some(CloseCode::Size)).await;
                }
                FrameEffect::Disconnected(cause)
            }
            None => FrameEffect::Disconnected(DisconnectKind::Reset),
        }
    }

    async fn answer_close(&mut self, frame: Option<CloseFrame>) -> FrameEffect {
        // RFC 6455, section 7.1.5: a close frame without a code counts as 1005.
        let code = frame.map_or(CloseCode::Status, |frame| frame.code);
        // tungstenite has queued the answer, which this flush sends. A peer that does not
        // take it has ended the socket all the same.
        let _ = timeout(CLOSE_TIMEOUT, self.socket.flush()).await;
        FrameEffect::Disconnected(DisconnectKind::Closed(code.into()))
    }

    async fn handle_message(&mut self, frame: &Message) -> FrameEffect {
        let context = self.context;
        match context.dialect.decode(frame) {
            Incoming::HeartbeatAnswer(number) => {
                let now = Instant::now();
                self.heartbeat.on_answer(number, now, &context.recorder);
            }
            Incoming::SubscriptionsConfirmed => {
                if let Some(topics) = &mut self.traffic.topics {
                    topics.on_confirmed(context);
                }
            }
            Incoming::TopicMessage(text) => {
                if let Some(topics) = &mut self.traffic.topics {
                    topics.on_message(context, text);
                }
            }
            Incoming::PublishAnswer { key, status } => {
                if let Some(topics) = &mut self.traffic.topics {
                    topics.on_publish_answer(context, key, status);
                }
                // The publisher may send its next message, which fell due meanwhile.
                return FrameEffect::Rescheduled;
            }
            Incoming::TelemetryAnswer { key, ack } => {
                if let Some(telemetry) = &mut self.traffic.telemetry {
                    telemetry.on_answer(context, key, ack);
                }
                return FrameEffect::Rescheduled;
            }
            Incoming::Command { reply } => {
                if let Err(cause) = send_frame(self.socket, reply, CLOSE_TIMEOUT).await {
                    return FrameEffect::Disconnected(cause);
                }
            }
            // Kept until the socket ends: the node closes it, not the device.
            Incoming::GoAway(advice) => self.advice = Some(advice),
            Incoming::Ignored => {}
        }
        FrameEffect::None
    }
}

/// Writes one frame. A peer that takes nothing for `write_timeout` counts as lost.
async fn send_frame(
    socket: &mut DeviceSocket,
    frame: Message,
    write_timeout: Duration,
) -> Result<(), DisconnectKind> {
    match timeout(write_timeout, socket.send(frame)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err((&error).into()),
        Err(_) => Err(DisconnectKind::Reset),
    }
}

async fn send_close(socket: &mut DeviceSocket, code: Option<CloseCode>) {
    let frame = code.map(|code| CloseFrame {
        code,
        reason: Default::default(),
    });
    // A peer that does not take the frame any more gets the TCP close alone.
    let _ = timeout(CLOSE_TIMEOUT, socket.close(frame)).await;
}
