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
    connect::DeviceSocket,
    dialect::{Asked, asked},
    heartbeat::{Beat, Heartbeat},
};
use crate::worker::context::Context;

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

/// Keeps `socket` alive with heartbeats and answers commands until it ends.
/// `phase` is its place in the heartbeat period and in the order of closing.
pub async fn keep(
    context: &Context,
    pool: &DevicePool,
    phase: f64,
    number: u32,
    socket: &mut DeviceSocket,
) -> Ending {
    let mut heartbeat = Heartbeat::new(Instant::now(), pool.heartbeat, phase);
    let mut advice = None;
    let mut state = State::Open;
    let wake = sleep_until(heartbeat.next_due());
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
                match received(context, &mut heartbeat, socket, frame).await {
                    Received::Nothing => {}
                    Received::Advice(retry, window) => advice = Some((retry, window)),
                    Received::End(_) if matches!(state, State::Closing) => return Ending::Drained,
                    Received::End(how) => return lost(&mut heartbeat, how, advice),
                }
            }
            () = &mut wake => match state {
                State::Open => {
                    match heartbeat.fall_due(Instant::now(), pool.give_up_after, &context.recorder) {
                        Beat::GiveUp => {
                            Box::pin(close(socket)).await;
                            return lost(&mut heartbeat, Loss::GaveUp, advice);
                        }
                        Beat::Send(payload) => {
                            wake.as_mut().reset(heartbeat.next_due());
                            let ping = Message::Ping(payload.to_vec().into());
                            if let Err(how) = send(socket, ping, pool.heartbeat).await {
                                return lost(&mut heartbeat, how, advice);
                            }
                        }
                    }
                }
                State::Leaving => {
                    Box::pin(close(socket)).await;
                    wake.as_mut().reset(Instant::now() + CLOSE_TIMEOUT);
                    state = State::Closing;
                }
                State::Closing => return Ending::Drained,
            },
            () = context.signals.close.cancelled(), if matches!(state, State::Open) => {
                let turn = Duration::from_secs(1) * number / CLOSES_PER_SECOND;
                wake.as_mut().reset(Instant::now() + turn);
                state = State::Leaving;
            }
        }
    }
}

enum Received {
    Nothing,
    Advice(Duration, Duration),
    End(Loss),
}

async fn received(
    context: &Context,
    heartbeat: &mut Heartbeat,
    socket: &mut DeviceSocket,
    frame: Option<Result<Message, Error>>,
) -> Received {
    match frame {
        Some(Ok(Message::Pong(payload))) => {
            heartbeat.pong(&payload, Instant::now(), &context.recorder);
            Received::Nothing
        }
        Some(Ok(Message::Text(text))) => match asked(context.dialect, &text) {
            Asked::Reply(reply) => {
                match Box::pin(send(socket, Message::text(reply), CLOSE_TIMEOUT)).await {
                    Ok(()) => Received::Nothing,
                    Err(how) => Received::End(how),
                }
            }
            Asked::GoAway { retry, window } => Received::Advice(retry, window),
            Asked::Nothing => Received::Nothing,
        },
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
