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
    Device,
    connect::DeviceSocket,
    dialect::{Asked, asked},
    heartbeat::{Beat, Heartbeat},
    telemetry::Upstream,
};
use crate::worker::{
    context::Context,
    messages::{Member, topic_client::CONFIRM},
};

/// How long the server may take to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Sockets that one worker closes per second in the drain.
const CLOSES_PER_SECOND: u32 = 2_000;

/// How an open socket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// In order, at the end of the run.
    Drained,
    /// Otherwise.
    Lost {
        /// How.
        how: Loss,
        /// When the node advised to come back: at the earliest, and the spread
        /// on top of that.
        advice: Option<(Duration, Duration)>,
    },
}

/// How a socket was lost: the KIND of `disconnect.KIND`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// The server sent a close frame with this code.
    Closed(u16),
    /// The connection broke without a close frame.
    Reset,
    /// The server broke the protocol.
    Protocol,
    /// The client closed it, after missed heartbeats.
    GaveUp,
}

impl Loss {
    /// As in `disconnect.KIND`.
    pub fn kind(self) -> String {
        match self {
            Self::Closed(code) => format!("closed-{code}"),
            Self::Reset => "reset".to_owned(),
            Self::Protocol => "protocol".to_owned(),
            Self::GaveUp => "gave-up".to_owned(),
        }
    }
}

/// What the socket is doing.
enum State {
    Open,
    Leaving,
    Closing,
}

/// Keeps `socket` of `device` alive with heartbeats and answers commands until it
/// ends; a member of topics hears and publishes, a device with `upstream` sends its
/// readings.
pub async fn keep(
    context: &Context,
    pool: &DevicePool,
    device: &Device,
    socket: &mut DeviceSocket,
    mut member: Option<&mut Member>,
    mut upstream: Option<&mut Upstream>,
) -> Ending {
    let mut heartbeat = Heartbeat::new(Instant::now(), pool.heartbeat, device.phase);
    let mut advice = None;
    let mut state = State::Open;
    if let Some(member) = member.as_deref_mut()
        && let Err(how) = Box::pin(join_topics(context, socket, member)).await
    {
        return Ending::Lost { how, advice };
    }
    if let Some(upstream) = upstream.as_deref_mut() {
        upstream.connected();
    }
    let next_due = |heartbeat: &Heartbeat, member: Option<&Member>, upstream: Option<&Upstream>| {
        let message = member.and_then(|member| member.next_due(context));
        let reading = upstream.and_then(|upstream| upstream.wake_at(context));
        let others = message.into_iter().chain(reading);
        others.fold(heartbeat.next_due(), Instant::min)
    };
    let wake = sleep_until(next_due(&heartbeat, member.as_deref(), upstream.as_deref()));
    tokio::pin!(wake);
    let lost = |heartbeat: &mut Heartbeat, how, advice| {
        heartbeat.lost(&context.recorder);
        Ending::Lost { how, advice }
    };
    loop {
        // Frames first: an answer that has arrived is not a missed one.
        tokio::select! {
            biased;
            frame = socket.next() => {
                let parts = (member.as_deref_mut(), upstream.as_deref_mut());
                // Boxed: it is under way for an instant, and would be held for ever.
                let received = Box::pin(received(context, &mut heartbeat, socket, parts, frame));
                match received.await {
                    Received::Nothing => {}
                    Received::Answer if matches!(state, State::Open) => {
                        let next = next_due(&heartbeat, member.as_deref(), upstream.as_deref());
                        wake.as_mut().reset(next);
                    }
                    Received::Answer => {}
                    Received::Advice(retry, window) => advice = Some((retry, window)),
                    Received::End(_) if matches!(state, State::Closing) => return Ending::Drained,
                    Received::End(how) => return lost(&mut heartbeat, how, advice),
                }
            }
            () = &mut wake => match state {
                State::Open => {
                    let parts = (member.as_deref_mut(), upstream.as_deref_mut());
                    // Boxed, for the same reason.
                    let sent = Box::pin(send_due(context, pool, &mut heartbeat, socket, parts));
                    if let Err(how) = sent.await {
                        return lost(&mut heartbeat, how, advice);
                    }
                    let next = next_due(&heartbeat, member.as_deref(), upstream.as_deref());
                    wake.as_mut().reset(next);
                }
                State::Leaving => {
                    Box::pin(close(socket)).await;
                    wake.as_mut().reset(Instant::now() + CLOSE_TIMEOUT);
                    state = State::Closing;
                }
                State::Closing => return Ending::Drained,
            },
            () = context.signals.close.cancelled(), if matches!(state, State::Open) => {
                let turn = Duration::from_secs(1) * device.number / CLOSES_PER_SECOND;
                wake.as_mut().reset(Instant::now() + turn);
                state = State::Leaving;
            }
        }
    }
}

/// Everything that is due now: a ping, a message, readings.
async fn send_due(
    context: &Context,
    pool: &DevicePool,
    heartbeat: &mut Heartbeat,
    socket: &mut DeviceSocket,
    (member, upstream): (Option<&mut Member>, Option<&mut Upstream>),
) -> Result<(), Loss> {
    let (now, patience) = (Instant::now(), pool.heartbeat);
    if heartbeat.next_due() <= now {
        match heartbeat.fall_due(now, pool.give_up_after, &context.recorder) {
            Beat::GiveUp => {
                close(socket).await;
                return Err(Loss::GaveUp);
            }
            Beat::Send(payload) => {
                send(socket, Message::Ping(payload.to_vec().into()), patience).await?;
            }
        }
    }
    if let Some(text) = member.and_then(|member| member.fall_due(context)) {
        send(socket, Message::text(text), patience).await?;
    }
    if let Some(upstream) = upstream {
        while let Some(frame) = upstream.next_frame(context) {
            send(socket, Message::text(frame), patience).await?;
        }
    }
    Ok(())
}

/// Subscribes, and asks the node to confirm it.
async fn join_topics(
    context: &Context,
    socket: &mut DeviceSocket,
    member: &mut Member,
) -> Result<(), Loss> {
    let frames = member.opened(context);
    if frames.is_empty() {
        return Ok(());
    }
    for text in frames {
        send(socket, Message::text(text), CLOSE_TIMEOUT).await?;
    }
    send(socket, Message::Ping(CONFIRM.into()), CLOSE_TIMEOUT).await
}

enum Received {
    Nothing,
    /// What the device published, or its reading, has its answer.
    Answer,
    Advice(Duration, Duration),
    End(Loss),
}

async fn received(
    context: &Context,
    heartbeat: &mut Heartbeat,
    socket: &mut DeviceSocket,
    parts: (Option<&mut Member>, Option<&mut Upstream>),
    frame: Option<Result<Message, Error>>,
) -> Received {
    match frame {
        Some(Ok(Message::Pong(payload))) => {
            match parts.0 {
                Some(member) if payload == CONFIRM => member.confirmed(context),
                _ => heartbeat.pong(&payload, Instant::now(), &context.recorder),
            }
            Received::Nothing
        }
        Some(Ok(Message::Text(text))) => heard(context, socket, parts, &text).await,
        Some(Ok(Message::Close(frame))) => {
            let code = frame.map_or(CloseCode::Status, |frame| frame.code);
            // The answer to the close frame goes out with this flush.
            let _ = Box::pin(timeout(CLOSE_TIMEOUT, socket.flush())).await;
            Received::End(Loss::Closed(code.into()))
        }
        Some(Ok(_)) => Received::Nothing,
        Some(Err(error)) => Received::End(loss(&error)),
        None => Received::End(Loss::Reset),
    }
}

async fn heard(
    context: &Context,
    socket: &mut DeviceSocket,
    (mut member, upstream): (Option<&mut Member>, Option<&mut Upstream>),
    text: &str,
) -> Received {
    if let Some(member) = member.as_deref_mut()
        && member.heard(context, text)
    {
        return Received::Nothing;
    }
    match asked(context.dialect, text) {
        Asked::Answered { id, status } => {
            if let Some(member) = member {
                member.answered(context, &id, status);
            }
            Received::Answer
        }
        Asked::Reading { id, verdict } => {
            if let Some(upstream) = upstream {
                upstream.answered(context, &id, verdict);
            }
            Received::Answer
        }
        Asked::Reply(reply) => {
            match Box::pin(send(socket, Message::text(reply), CLOSE_TIMEOUT)).await {
                Ok(()) => Received::Nothing,
                Err(how) => Received::End(how),
            }
        }
        Asked::GoAway { retry, window } => Received::Advice(retry, window),
        Asked::Nothing => Received::Nothing,
    }
}

/// Writes one frame; a peer that takes nothing for `patience` counts as gone.
async fn send(socket: &mut DeviceSocket, message: Message, patience: Duration) -> Result<(), Loss> {
    match timeout(patience, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(loss(&error)),
        Err(_) => Err(Loss::Reset),
    }
}

async fn close(socket: &mut DeviceSocket) {
    // A peer that does not take the frame any more gets the TCP close alone.
    let _ = timeout(CLOSE_TIMEOUT, socket.close(None)).await;
}

fn loss(error: &Error) -> Loss {
    match error {
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Loss::Reset,
        Error::Protocol(_) | Error::Capacity(_) | Error::Utf8(_) => Loss::Protocol,
        _ => Loss::Reset,
    }
}
