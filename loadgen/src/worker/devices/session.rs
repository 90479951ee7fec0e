//! An open socket until it ends.
//!
//! ```text
//! Open ──close signal──► Leaving ──its turn──► Closing ──answered, or in time──► Drained
//!  │ ▲                      │
//!  │ └ heartbeats           │ frames are still read
//!  └── lost ◄───────────────┘
//! ```

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use highwater_scenarios::plan::DevicePool;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{
    Error, Message, error::ProtocolError, protocol::frame::coding::CloseCode,
};

use super::{
    ScheduledDevice,
    connect::DeviceSocket,
    dialect::{FrameAction, frame_action},
    heartbeat::{DeviceHeartbeat, HeartbeatAction},
    telemetry::TelemetrySender,
};
use crate::worker::{
    context::Context,
    messages::{TopicClient, topic_client::SUBSCRIBE_PING},
};

/// How long the server may take to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Sockets that one worker closes per second in the drain.
const CLOSES_PER_SECOND: u32 = 2_000;

/// How an open socket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketEnd {
    /// In order, at the end of the run.
    Drained,
    /// Otherwise.
    Lost {
        /// How.
        cause: DisconnectKind,
        /// When the node advised to come back: at the earliest, and the spread
        /// on top of that.
        reconnect_advice: Option<(Duration, Duration)>,
    },
}

/// How a socket was lost: the KIND of `disconnect.KIND`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisconnectKind {
    /// The server sent a close frame with this code.
    Closed(u16),
    /// The connection broke without a close frame.
    Reset,
    /// The server broke the protocol.
    Protocol,
    /// The client closed it, after missed heartbeats.
    HeartbeatsMissed,
}

impl DisconnectKind {
    /// As in `disconnect.KIND`.
    pub fn kind(self) -> String {
        match self {
            Self::Closed(code) => format!("closed_{code}"),
            Self::Reset => "reset".to_owned(),
            Self::Protocol => "protocol".to_owned(),
            Self::HeartbeatsMissed => "gave_up".to_owned(),
        }
    }
}

/// What the socket is doing.
enum SocketState {
    Open,
    AwaitingClose,
    Closing,
}

/// Keeps `socket` of `device` alive with heartbeats and answers commands until it
/// ends; a member of topics hears and publishes, a device with `upstream` sends its
/// readings.
pub async fn run(
    context: &Context,
    pool: &DevicePool,
    device: &ScheduledDevice,
    socket: &mut DeviceSocket,
    mut member: Option<&mut TopicClient>,
    mut upstream: Option<&mut TelemetrySender>,
) -> SocketEnd {
    let mut heartbeat =
        DeviceHeartbeat::new(Instant::now(), pool.heartbeat, device.heartbeat_phase);
    let mut advice = None;
    let mut state = SocketState::Open;
    if let Some(member) = member.as_deref_mut()
        && let Err(how) = Box::pin(subscribe_topics(context, socket, member)).await
    {
        return SocketEnd::Lost {
            cause: how,
            reconnect_advice: advice,
        };
    }
    if let Some(upstream) = upstream.as_deref_mut() {
        upstream.on_connected();
    }
    let next_due = |heartbeat: &DeviceHeartbeat,
                    member: Option<&TopicClient>,
                    upstream: Option<&TelemetrySender>| {
        let message = member.and_then(|member| member.next_due(context));
        let reading = upstream.and_then(|upstream| upstream.next_wake(context));
        let others = message.into_iter().chain(reading);
        others.fold(heartbeat.next_due(), Instant::min)
    };
    let wake = sleep_until(next_due(&heartbeat, member.as_deref(), upstream.as_deref()));
    tokio::pin!(wake);
    let lost = |heartbeat: &mut DeviceHeartbeat, how, advice| {
        heartbeat.on_lost(&context.recorder);
        SocketEnd::Lost {
            cause: how,
            reconnect_advice: advice,
        }
    };
    loop {
        // Frames first: an answer that has arrived is not a missed one.
        tokio::select! {
            biased;
            frame = socket.next() => {
                let parts = (member.as_deref_mut(), upstream.as_deref_mut());
                // Boxed: it is under way for an instant, and would be held for ever.
                let received = Box::pin(handle_frame(context, &mut heartbeat, socket, parts, frame));
                match received.await {
                    FrameOutcome::Continue => {}
                    FrameOutcome::Answered if matches!(state, SocketState::Open) => {
                        let next = next_due(&heartbeat, member.as_deref(), upstream.as_deref());
                        wake.as_mut().reset(next);
                    }
                    FrameOutcome::Answered => {}
                    FrameOutcome::GoAway(retry, window) => advice = Some((retry, window)),
                    FrameOutcome::Disconnected(_) if matches!(state, SocketState::Closing) => return SocketEnd::Drained,
                    FrameOutcome::Disconnected(how) => return lost(&mut heartbeat, how, advice),
                }
            }
            () = &mut wake => match state {
                SocketState::Open => {
                    let parts = (member.as_deref_mut(), upstream.as_deref_mut());
                    // Boxed, for the same reason.
                    let sent = Box::pin(send_due(context, pool, &mut heartbeat, socket, parts));
                    if let Err(how) = sent.await {
                        return lost(&mut heartbeat, how, advice);
                    }
                    let next = next_due(&heartbeat, member.as_deref(), upstream.as_deref());
                    wake.as_mut().reset(next);
                }
                SocketState::AwaitingClose => {
                    Box::pin(send_close(socket)).await;
                    wake.as_mut().reset(Instant::now() + CLOSE_TIMEOUT);
                    state = SocketState::Closing;
                }
                SocketState::Closing => return SocketEnd::Drained,
            },
            () = context.signals.close.cancelled(), if matches!(state, SocketState::Open) => {
                let turn = Duration::from_secs(1) * device.number / CLOSES_PER_SECOND;
                wake.as_mut().reset(Instant::now() + turn);
                state = SocketState::AwaitingClose;
            }
        }
    }
}

/// Everything that is due now: a ping, a message, readings.
async fn send_due(
    context: &Context,
    pool: &DevicePool,
    heartbeat: &mut DeviceHeartbeat,
    socket: &mut DeviceSocket,
    (member, upstream): (Option<&mut TopicClient>, Option<&mut TelemetrySender>),
) -> Result<(), DisconnectKind> {
    let (now, write_timeout) = (Instant::now(), pool.heartbeat);
    if heartbeat.next_due() <= now {
        match heartbeat.on_due(now, pool.max_missed, &context.recorder) {
            HeartbeatAction::CloseSocket => {
                send_close(socket).await;
                return Err(DisconnectKind::HeartbeatsMissed);
            }
            HeartbeatAction::Send(payload) => {
                send_frame(
                    socket,
                    Message::Ping(payload.to_vec().into()),
                    write_timeout,
                )
                .await?;
            }
        }
    }
    if let Some(text) = member.and_then(|member| member.next_frame(context)) {
        send_frame(socket, Message::text(text), write_timeout).await?;
    }
    if let Some(upstream) = upstream {
        while let Some(frame) = upstream.next_frame(context) {
            send_frame(socket, Message::text(frame), write_timeout).await?;
        }
    }
    Ok(())
}

/// Subscribes, and asks the node to confirm it.
async fn subscribe_topics(
    context: &Context,
    socket: &mut DeviceSocket,
    member: &mut TopicClient,
) -> Result<(), DisconnectKind> {
    let frames = member.on_open(context);
    if frames.is_empty() {
        return Ok(());
    }
    for text in frames {
        send_frame(socket, Message::text(text), CLOSE_TIMEOUT).await?;
    }
    send_frame(socket, Message::Ping(SUBSCRIBE_PING.into()), CLOSE_TIMEOUT).await
}

enum FrameOutcome {
    Continue,
    /// What the device published, or its reading, has its answer.
    Answered,
    GoAway(Duration, Duration),
    Disconnected(DisconnectKind),
}

async fn handle_frame(
    context: &Context,
    heartbeat: &mut DeviceHeartbeat,
    socket: &mut DeviceSocket,
    parts: (Option<&mut TopicClient>, Option<&mut TelemetrySender>),
    frame: Option<Result<Message, Error>>,
) -> FrameOutcome {
    match frame {
        Some(Ok(Message::Pong(payload))) => {
            match parts.0 {
                Some(member) if payload == SUBSCRIBE_PING => member.on_confirmed(context),
                _ => heartbeat.on_pong(&payload, Instant::now(), &context.recorder),
            }
            FrameOutcome::Continue
        }
        Some(Ok(Message::Text(text))) => handle_text(context, socket, parts, &text).await,
        Some(Ok(Message::Close(frame))) => {
            let code = frame.map_or(CloseCode::Status, |frame| frame.code);
            // The answer to the close frame goes out with this flush.
            let _ = Box::pin(timeout(CLOSE_TIMEOUT, socket.flush())).await;
            FrameOutcome::Disconnected(DisconnectKind::Closed(code.into()))
        }
        Some(Ok(_)) => FrameOutcome::Continue,
        Some(Err(error)) => FrameOutcome::Disconnected(disconnect_kind(&error)),
        None => FrameOutcome::Disconnected(DisconnectKind::Reset),
    }
}

async fn handle_text(
    context: &Context,
    socket: &mut DeviceSocket,
    (mut member, upstream): (Option<&mut TopicClient>, Option<&mut TelemetrySender>),
    text: &str,
) -> FrameOutcome {
    if let Some(member) = member.as_deref_mut()
        && member.on_text(context, text)
    {
        return FrameOutcome::Continue;
    }
    match frame_action(context.dialect, text) {
        FrameAction::PublishAnswered { id, status } => {
            if let Some(member) = member {
                member.on_publish_answer(context, &id, status);
            }
            FrameOutcome::Answered
        }
        FrameAction::TelemetryAnswered { id, ack: verdict } => {
            if let Some(upstream) = upstream {
                upstream.on_answer(context, &id, verdict);
            }
            FrameOutcome::Answered
        }
        FrameAction::SendReply(reply) => {
            match Box::pin(send_frame(socket, Message::text(reply), CLOSE_TIMEOUT)).await {
                Ok(()) => FrameOutcome::Continue,
                Err(how) => FrameOutcome::Disconnected(how),
            }
        }
        FrameAction::GoAway { retry, window } => FrameOutcome::GoAway(retry, window),
        FrameAction::Ignore => FrameOutcome::Continue,
    }
}

/// Writes one frame; a peer that takes nothing for `patience` counts as gone.
async fn send_frame(
    socket: &mut DeviceSocket,
    message: Message,
    write_timeout: Duration,
) -> Result<(), DisconnectKind> {
    match timeout(write_timeout, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(disconnect_kind(&error)),
        Err(_) => Err(DisconnectKind::Reset),
    }
}

async fn send_close(socket: &mut DeviceSocket) {
    // A peer that does not take the frame any more gets the TCP close alone.
    let _ = timeout(CLOSE_TIMEOUT, socket.close(None)).await;
}

fn disconnect_kind(error: &Error) -> DisconnectKind {
    match error {
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => DisconnectKind::Reset,
        Error::Protocol(_) | Error::Capacity(_) | Error::Utf8(_) => DisconnectKind::Protocol,
        _ => DisconnectKind::Reset,
    }
}
