//! The steps between the handshake and an open socket.

use futures_util::StreamExt;
use highwater_scenarios::frames::CompiledStep;
use highwater_types::format;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Message;

use super::{
    connect_error::ConnectError,
    connect_failure::ConnectFailure,
    disconnect::{Disconnect, DisconnectKind},
    socket_io::answer_close,
    upgrade::DeviceSocket,
};
use crate::worker::{
    frames::{
        FrameKey, SocketFrames, SocketIdentity,
        socket_frames::{Answered, messages_of},
    },
    observer::{FrameUse, SocketEvent, observe},
    recorder::Recorder,
};

/// A socket on its way through the steps.
pub struct Opening<'a> {
    /// The socket.
    pub socket: &'a mut DeviceSocket,
    /// The device and its pool's protocol.
    pub identity: SocketIdentity<'a>,
    /// The counters.
    pub recorder: &'a Recorder,
    /// The end of the attempt.
    pub deadline: Instant,
}

impl Opening<'_> {
    /// Goes through all steps of the pool. Returns the state of the open socket.
    pub async fn run(mut self) -> Result<SocketFrames, ConnectError> {
        let mut frames = SocketFrames::new(self.identity);
        let pool_frames = &self.identity.protocol.frames;
        for (step, number) in pool_frames.open.iter().zip(1..) {
            let until = self.deadline.min(Instant::now() + step.within);
            match timeout_at(until, self.take_step(step, number, &mut frames)).await {
                Ok(Ok(())) => {}
                Ok(Err(loss)) => return Err(failure_of(loss, number)),
                Err(_) => {
                    let error = format!("nothing came within {}", format::duration(step.within));
                    return Err(ConnectError::new(ConnectFailure::OpenStep(number), error));
                }
            }
        }
        Ok(frames)
    }

    async fn take_step(
        &mut self,
        step: &CompiledStep,
        number: u8,
        frames: &mut SocketFrames,
    ) -> Result<(), Disconnect> {
        let mut key = frames.last_key();
        if let Some(send) = &step.send {
            let (message, sent) = frames.next_message(self.identity, send);
            key = sent;
            self.send(message).await?;
        }
        while step.expect.is_some() {
            let frame = match self.socket.next().await {
                Some(frame) => frame.map_err(|error| Disconnect::from(&error))?,
                None => return Err(DisconnectKind::Reset.into()),
            };
            observe(|| SocketEvent::Received(&frame));
            if let Message::Close(frame) = frame {
                return Err(answer_close(self.socket, frame).await);
            }
            let (answers, is_expected) = self.take_in(step, number, key, frames, &frame);
            for answer in answers {
                self.send(answer).await?;
            }
            if is_expected {
                break;
            }
        }
        Ok(())
    }

    async fn send(&mut self, message: Message) -> Result<(), Disconnect> {
        observe(|| SocketEvent::Sent(&message));
        // The step's own limit of time holds for writing too.
        let sent = self.socket.send(message).await;
        sent.map_err(|error| Disconnect::from(&error))
    }

    /// Takes in a frame. Returns the answers to send, and whether it is the expected one.
    fn take_in(
        &self,
        step: &CompiledStep,
        number: u8,
        key: FrameKey,
        frames: &mut SocketFrames,
        frame: &Message,
    ) -> (Vec<Message>, bool) {
        let mut answers = Vec::new();
        let mut is_expected = false;
        let frame = frames.join_packets(&self.identity.protocol.frames, frame);
        for message in messages_of(&self.identity.protocol.frames, &frame) {
            // A server that pings does so during the steps as well.
            let answered = frames.answer(self.identity, &message, Instant::now(), self.recorder);
            let is_answered = answered != Answered::NoRule;
            answers.extend(answered.into_message());
            let values = frames.values(self.identity, key);
            let expect = step.expect.as_ref();
            let fits = expect.is_some_and(|expect| expect.matches(&message, &values))
                && frames.take_values(&step.take, &message);
            is_expected |= fits;
            match fits {
                true => observe(|| SocketEvent::Used(FrameUse::OpenStep(number))),
                false if is_answered => {}
                false => observe(|| SocketEvent::Used(FrameUse::Skipped(number))),
            }
        }
        (answers, is_expected)
    }
}

/// Returns the failure of an attempt whose socket ended in a step.
pub(super) fn failure_of(loss: Disconnect, step: u8) -> ConnectError {
    let cause = match loss.kind {
        DisconnectKind::Closed(code) => ConnectFailure::OpenClosed(code),
        DisconnectKind::Reset => ConnectFailure::Reset,
        // The frame of the step cannot come any more.
        _ => ConnectFailure::OpenStep(step),
    };
    let example = loss.example.map(|example| *example).unwrap_or_default();
    ConnectError::with_example(cause, example)
}
