//! An open socket until it ends.
//!
//! ```text
//! Open ──close signal──► AwaitingClose ──its turn──► Closing ──answered, or in time──► Drained
//!  │ ▲                      │          AwaitingReceipt ▲ of a session of STOMP
//!  │ ▲                      │
//!  │ └ heartbeats           │ frames are still read
//!  └───────► Lost ◄─────────┘
//! ```

mod stomp;

use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use highwater_scenarios::{
    frames::{CompiledHeartbeat, ReceivedFrame},
    plan::DevicePool,
};
use highwater_types::format;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::{Error, Message, protocol::frame::coding::CloseCode};

use super::{
    disconnect::{Disconnect, DisconnectKind},
    open_socket::OpenSocket,
    schedule::ScheduledDevice,
    session_exchanges::{self, work_arrived},
    socket_io::{CLOSE_TIMEOUT, answer_close, send_close, send_frame},
    traffic::DeviceTraffic,
};
use crate::worker::{
    context::Context,
    dialect::{Incoming, ReconnectAdvice},
    frames::SocketValues,
    heartbeat::{DeviceHeartbeat, HeartbeatAction},
    observer::{SocketEvent, observe},
};

/// Sockets that one worker closes per second in the drain. The coordinator's deadline for
/// the drain counts with it.
const CLOSES_PER_SECOND: u32 = 2_000;

/// Interval at which a socket wakes that waits for nothing.
const IDLE_WAKE_INTERVAL: Duration = Duration::from_secs(3_600);

/// The way in which an open socket ended.
#[derive(Debug, PartialEq, Eq)]
pub enum SocketEnd {
    /// The socket closed in order at the end of the run.
    Drained,
    /// The socket ended in another way.
    Lost {
        /// The cause, and what the report shows of it.
        loss: Disconnect,
        /// The node's advice when to reconnect, if it gave any.
        // Boxed, as what a session seldom holds: it is part of every idle socket.
        advice: Option<Box<ReconnectAdvice>>,
    },
}

/// The state of an open socket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SocketState {
    Open,
    /// The run closes sockets, and the turn of this socket comes later.
    AwaitingClose,
    /// The session of STOMP is asked to end.
    AwaitingReceipt,
    /// The close frame is sent.
    Closing,
}

/// The effect of a received frame on the loop.
enum FrameEffect {
    None,
    /// An answer came, so that the next frame may be due earlier.
    Rescheduled,
    Disconnected(Disconnect),
}

/// An open socket and all that belongs to it.
pub struct Session<'a> {
    context: &'a Context,
    pool: &'a DevicePool,
    device: &'a ScheduledDevice,
    socket: &'a mut OpenSocket,
    traffic: &'a mut DeviceTraffic,
    heartbeat: DeviceHeartbeat,
    state: SocketState,
    advice: Option<Box<ReconnectAdvice>>,
}

impl<'a> Session<'a> {
    /// Creates the session of a socket that has just opened.
    pub fn new(
        context: &'a Context,
        pool: &'a DevicePool,
        device: &'a ScheduledDevice,
        socket: &'a mut OpenSocket,
        traffic: &'a mut DeviceTraffic,
    ) -> Self {
        Self {
            context,
            pool,
            device,
            socket,
            traffic,
            heartbeat: new_heartbeat(context, pool, device),
            state: SocketState::Open,
            advice: None,
        }
    }

    /// Runs an open socket until it ends: sends heartbeats, messages and telemetry, and
    /// answers commands.
    pub async fn run_to_end(&mut self) -> SocketEnd {
        let context = self.context;
        session_exchanges::open(context, self.device.key, self.socket);
        let end = self.run().await;
        session_exchanges::close(context, self.socket);
        match end {
            Ok(()) => SocketEnd::Drained,
            Err(loss) => {
                self.heartbeat.record_missed(&context.recorder);
                SocketEnd::Lost {
                    loss,
                    advice: self.advice.take(),
                }
            }
        }
    }

    /// Runs until the socket is drained, or lost for the cause that is returned.
    async fn run(&mut self) -> Result<(), Disconnect> {
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
        // Made once: each wait enters a list of all sockets, under its lock.
        let close = context.signals.close.cancelled();
        tokio::pin!(wake, close);
        loop {
            tokio::select! {
                // Frames first: an answer that has arrived is not a missed one.
                biased;
                // Boxed: otherwise every idle socket holds room for a frame, and for what an
                // instant needs.
                frame = self.socket.stream.next().map(Box::new) => {
                    match Box::pin(self.handle_frame(frame)).await {
                        FrameEffect::None => {}
                        FrameEffect::Rescheduled if self.state == SocketState::Open => {
                            wake.as_mut().reset(self.next_due());
                        }
                        FrameEffect::Rescheduled => {}
                        FrameEffect::Disconnected(_) if self.is_closing() => return Ok(()),
                        FrameEffect::Disconnected(loss) => return Err(loss),
                    }
                }
                () = work_arrived(&self.socket.exchanges), if !self.is_closing() => {
                    // Boxed for the same reason.
                    let (key, limit) = (self.device.key, self.pool.heartbeat);
                    Box::pin(session_exchanges::send(context, key, self.socket, limit)).await?;
                    if self.state == SocketState::Open {
                        wake.as_mut().reset(self.next_due());
                    }
                }
                () = &mut wake => {
                    // Boxed for the same reason.
                    match Box::pin(self.on_wake()).await? {
                        Some(next) => wake.as_mut().reset(next),
                        None => return Ok(()),
                    }
                }
                () = &mut close, if self.state == SocketState::Open => {
                    // Each socket in its turn: the answers to thousands of close frames at
                    // once would take longer than their timeout.
                    let turn = Duration::from_secs(1) * self.device.number / CLOSES_PER_SECOND;
                    wake.as_mut().reset(Instant::now() + turn);
                    self.state = SocketState::AwaitingClose;
                }
            }
        }
    }

    /// Whether the socket is asked to end, so that nothing more is sent.
    fn is_closing(&self) -> bool {
        matches!(
            self.state,
            SocketState::AwaitingReceipt | SocketState::Closing
        )
    }

    /// Returns when the next heartbeat, message or telemetry record is due.
    fn next_due(&self) -> Instant {
        let heartbeat = match self.socket.stomp() {
            None => self.heartbeat.next_due(),
            // A session may have agreed on no heart-beats, and may have no other work.
            Some(stomp) => match stomp.heart_beats.next_due() {
                Some(due) => due,
                None => Instant::now() + IDLE_WAKE_INTERVAL,
            },
        };
        let traffic = self.traffic.next_due(self.context);
        let exchanges = self.socket.exchanges.as_ref();
        let timeout = exchanges.and_then(|exchanges| exchanges.next_timeout());
        let others = traffic.into_iter().chain(timeout);
        others.fold(heartbeat, Instant::min)
    }

    /// Does what the timer was set for. Returns when to wake next; `None` ends a session
    /// whose close frame had no answer.
    async fn on_wake(&mut self) -> Result<Option<Instant>, Disconnect> {
        match self.state {
            SocketState::Open => {
                self.send_due().await?;
                Ok(Some(self.next_due()))
            }
            SocketState::AwaitingClose if self.socket.stomp().is_some() => {
                self.disconnect_stomp().await?;
                Ok(Some(Instant::now() + CLOSE_TIMEOUT))
            }
            SocketState::AwaitingClose | SocketState::AwaitingReceipt => {
                self.send_close_messages().await?;
                send_close(&mut self.socket.stream, None).await;
                self.state = SocketState::Closing;
                Ok(Some(Instant::now() + CLOSE_TIMEOUT))
            }
            SocketState::Closing => Ok(None),
        }
    }

    /// Subscribes to the device's topics, if it has any.
    async fn subscribe(&mut self) -> Result<(), Disconnect> {
        let topics = self.traffic.topics.as_mut();
        for frame in topics.map_or_else(Vec::new, |topics| topics.on_open(self.context)) {
            send_frame(&mut self.socket.stream, frame, CLOSE_TIMEOUT).await?;
        }
        Ok(())
    }

    /// Sends everything that is due now: a heartbeat, a message, telemetry.
    async fn send_due(&mut self) -> Result<(), Disconnect> {
        let now = Instant::now();
        // A peer that takes no frame for a whole period would miss the next heartbeat.
        let write_timeout = self.pool.heartbeat;
        if let Some(exchanges) = &mut self.socket.exchanges {
            exchanges.time_out(self.context);
        }
        if self.socket.stomp().is_some() {
            self.beat_stomp(now).await?;
        } else if self.heartbeat.next_due() <= now {
            self.send_heartbeat(now, write_timeout).await?;
        }
        let DeviceTraffic { topics, telemetry } = self.traffic;
        if let Some(frame) = topics.as_mut().and_then(|t| t.next_frame(self.context)) {
            send_frame(&mut self.socket.stream, frame, write_timeout).await?;
        }
        while let Some(frame) = telemetry.as_mut().and_then(|t| t.next_frame(self.context)) {
            send_frame(&mut self.socket.stream, frame, write_timeout).await?;
        }
        Ok(())
    }

    async fn send_heartbeat(
        &mut self,
        now: Instant,
        write_timeout: Duration,
    ) -> Result<(), Disconnect> {
        let context = self.context;
        let (max_missed, recorder) = (self.pool.max_missed, &context.recorder);
        let action = match context.heartbeat_frames(self.device.key) {
            Some(CompiledHeartbeat::Watch(_)) => {
                self.heartbeat.on_unseen(now, max_missed, recorder)
            }
            Some(CompiledHeartbeat::Send { expect: None, .. }) => {
                self.heartbeat.on_one_way_due(now, recorder)
            }
            _ => self.heartbeat.on_due(now, max_missed, recorder),
        };
        match action {
            HeartbeatAction::CloseSocket => {
                send_close(&mut self.socket.stream, None).await;
                Err(DisconnectKind::HeartbeatsMissed.into())
            }
            HeartbeatAction::Wait => Ok(()),
            HeartbeatAction::Send(number) => {
                let frame = self.heartbeat_frame(number);
                send_frame(&mut self.socket.stream, frame, write_timeout).await
            }
        }
    }

    /// Returns the frame of heartbeat `number`: the pool's own, or the dialect's.
    fn heartbeat_frame(&mut self, number: u32) -> Message {
        let key = self.device.key;
        if let Some(CompiledHeartbeat::Send { send, .. }) = self.context.heartbeat_frames(key)
            && let Some(identity) = self.context.socket_identity(key)
            && let Some(frames) = &mut self.socket.frames
        {
            return frames.heartbeat_message(identity, send);
        }
        self.context.dialect.heartbeat_frame(number)
    }

    /// Sends the frames that the pool declares before the close frame.
    async fn send_close_messages(&mut self) -> Result<(), Disconnect> {
        let identity = self.context.socket_identity(self.device.key);
        let Some((frames, identity)) = self.socket.frames.as_mut().zip(identity) else {
            return Ok(());
        };
        for message in frames.close_messages(identity) {
            send_frame(&mut self.socket.stream, message, CLOSE_TIMEOUT).await?;
        }
        Ok(())
    }

    /// Takes in a frame of a pool that declares frames, and sends the answers to it.
    async fn handle_declared(&mut self, frame: &Message) -> FrameEffect {
        let context = self.context;
        let identity = context.socket_identity(self.device.key);
        let Some((frames, identity)) = self.socket.frames.as_mut().zip(identity) else {
            return FrameEffect::None;
        };
        let (heartbeat, exchanges) = (&mut self.heartbeat, &mut self.socket.exchanges);
        let is_exchange = |message: &ReceivedFrame<'_>, values: &SocketValues<'_>| {
            let exchanges = exchanges.as_mut();
            exchanges.is_some_and(|exchanges| exchanges.on_frame(context, message, values))
        };
        let recorder = &context.recorder;
        let answers = frames.on_frame(identity, heartbeat, frame, recorder, is_exchange);
        for answer in answers {
            if let Err(cause) = send_frame(&mut self.socket.stream, answer, CLOSE_TIMEOUT).await {
                return FrameEffect::Disconnected(cause);
            }
        }
        FrameEffect::None
    }

    async fn handle_frame(&mut self, frame: Box<Option<Result<Message, Error>>>) -> FrameEffect {
        if let Some(Ok(frame)) = &*frame {
            observe(|| SocketEvent::Received(frame));
        }
        match *frame {
            Some(Ok(Message::Close(frame))) => {
                FrameEffect::Disconnected(answer_close(&mut self.socket.stream, frame).await)
            }
            Some(Ok(frame)) => self.handle_message(&frame).await,
            Some(Err(error)) => {
                let mut loss = Disconnect::from(&error);
                if loss.kind == DisconnectKind::MessageTooLarge {
                    // RFC 6455, section 7.4.1: the server learns why it is left.
                    send_close(&mut self.socket.stream, Some(CloseCode::Size)).await;
                    loss = self.message_too_large(&error);
                }
                FrameEffect::Disconnected(loss)
            }
            None => FrameEffect::Disconnected(DisconnectKind::Reset.into()),
        }
    }

    /// Names the limit and its pool: it is the harness's own, and a person can raise it.
    fn message_too_large(&self, error: &Error) -> Disconnect {
        let limit = format::bytes(self.pool.max_message);
        let error = format!("the pool {} takes {limit}: {error}", self.pool.name);
        Disconnect::with_error(DisconnectKind::MessageTooLarge, error)
    }

    async fn handle_message(&mut self, frame: &Message) -> FrameEffect {
        let context = self.context;
        if frame.is_text() || frame.is_binary() {
            if self.socket.stomp().is_some() {
                return self.handle_stomp(frame).await;
            }
            if self.socket.frames.is_some() {
                return self.handle_declared(frame).await;
            }
        }
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
                if let Err(loss) = send_frame(&mut self.socket.stream, reply, CLOSE_TIMEOUT).await {
                    return FrameEffect::Disconnected(loss);
                }
            }
            // Kept until the socket ends: the node closes it, not the device.
            Incoming::GoAway(advice) => self.advice = Some(Box::new(advice)),
            Incoming::Ignored => {}
        }
        FrameEffect::None
    }
}

/// Returns the heartbeat of a socket that has just opened.
fn new_heartbeat(
    context: &Context,
    pool: &DevicePool,
    device: &ScheduledDevice,
) -> DeviceHeartbeat {
    let (opened, period) = (Instant::now(), pool.heartbeat);
    let first_due = match context.heartbeat_frames(device.key) {
        // The server's first frame has a whole period.
        Some(CompiledHeartbeat::Watch(_)) => opened + period,
        _ => {
            let due = opened + period.mul_f32(device.heartbeat_phase);
            context.heartbeat_grid.at_or_after(due, period)
        }
    };
    DeviceHeartbeat::new(first_due, period)
}
