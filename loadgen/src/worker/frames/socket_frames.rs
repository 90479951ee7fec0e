//! The state of one socket, and what becomes of a frame that it receives.

use std::borrow::Cow;

use highwater_scenarios::frames::{
    CompiledFrame, CompiledFrames, CompiledHeartbeat, Matcher, ReceivedFrame, Take, ValueRef,
    mqtt::next_packet,
};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use super::{
    answer_budget::AnswerBudget,
    values::{FrameKey, SocketIdentity, SocketValues},
};
use crate::worker::{
    heartbeat::DeviceHeartbeat,
    observer::{FrameUse, SocketEvent, observe},
    recorder::{Count, Recorder, Timing},
    stomp::StompSession,
};

/// Most messages of one frame that are looked at; a frame of more is the server's mistake.
const MAX_MESSAGES_PER_FRAME: usize = 1_000;

/// Most bytes of a packet whose end has not come yet, as of a message by default.
const MAX_PARTIAL_PACKET: usize = 1 << 20;

/// The state of one socket whose pool declares frames.
#[derive(Debug, Default)]
pub struct SocketFrames {
    /// The values taken from frames, in the order of their numbers.
    taken: Box<[Option<Box<str>>]>,
    /// The number of the last frame with `{ref}`.
    last_reference: u64,
    /// The key of the last heartbeat.
    heartbeat: FrameKey,
    answers: AnswerBudget,
    last_message: Option<Instant>,
    /// The session of STOMP; `None` in other dialects. Here and not beside this, because sockets
    /// without frames carry nothing for it.
    pub stomp: Option<Box<StompSession>>,
    /// The start of a packet of MQTT whose end has not come yet.
    partial_packet: Vec<u8>,
}

impl SocketFrames {
    /// Creates the state of a socket that has just got its handshake.
    pub fn new(identity: SocketIdentity<'_>) -> Self {
        let taken = (0..identity.protocol.taken_count).map(|_| None);
        Self {
            taken: taken.collect(),
            ..Self::default()
        }
    }

    /// Returns the values that the socket took from frames, in the order of their numbers.
    pub fn taken(&self) -> &[Option<Box<str>>] {
        &self.taken
    }

    /// Returns the values for the frame with this key.
    pub fn values<'a>(&'a self, identity: SocketIdentity<'a>, key: FrameKey) -> SocketValues<'a> {
        SocketValues {
            identity,
            taken: &self.taken,
            key,
        }
    }

    /// Returns the key of the next frame that the socket sends. Only frames with `{ref}`
    /// count.
    pub fn next_key(&mut self, frame: &CompiledFrame) -> FrameKey {
        self.last_reference += u64::from(frame.uses(ValueRef::Ref));
        FrameKey {
            reference: self.last_reference,
            nonce: rand::random(),
        }
    }

    /// Returns a frame to send with its values, and its key.
    pub fn next_message(
        &mut self,
        identity: SocketIdentity<'_>,
        frame: &CompiledFrame,
    ) -> (Message, FrameKey) {
        let key = self.next_key(frame);
        (self.values(identity, key).message(frame), key)
    }

    /// Returns the heartbeat that is due now.
    pub fn heartbeat_message(
        &mut self,
        identity: SocketIdentity<'_>,
        frame: &CompiledFrame,
    ) -> Message {
        let (message, key) = self.next_message(identity, frame);
        self.heartbeat = key;
        message
    }

    /// Returns the frames before the close frame.
    pub fn close_messages(&mut self, identity: SocketIdentity<'_>) -> Vec<Message> {
        let close = identity.protocol.frames.close.iter();
        close
            .map(|frame| self.next_message(identity, frame).0)
            .collect()
    }

    /// Keeps the values of an expected frame; `false` where the frame lacks one of them, so
    /// that it is not the expected one.
    pub fn take_values(&mut self, takes: &[Take], frame: &ReceivedFrame<'_>) -> bool {
        takes.iter().all(|take| {
            let value = take.from_frame(frame).map(String::into_boxed_str);
            let is_found = value.is_some();
            if let Some(place) = self.taken.get_mut(take.number) {
                *place = value;
            }
            is_found
        })
    }

    /// Takes in a frame of an open socket: acknowledges the heartbeat, counts messages, and
    /// returns the answers to send. `further_use` takes in each message too, and returns whether
    /// it is for another part of the socket.
    pub fn on_frame(
        &mut self,
        identity: SocketIdentity<'_>,
        heartbeat: &mut DeviceHeartbeat,
        frame: &Message,
        recorder: &Recorder,
        mut further_use: impl FnMut(&ReceivedFrame<'_>, &SocketValues<'_>) -> bool,
    ) -> Vec<Message> {
        let now = Instant::now();
        let frames = &identity.protocol.frames;
        let mut answers = Vec::new();
        let frame = self.join_packets(frames, frame);
        for message in messages_of(frames, &frame) {
            // Not the first that fits: a server's ping is a heartbeat and has an answer.
            let is_heartbeat = self.is_heartbeat(identity, heartbeat, &message, now, recorder);
            let is_message = self.count_message(identity, &message, now, recorder);
            let answered = self.answer(identity, &message, now, recorder);
            let values = self.values(identity, self.last_key());
            let has_further_use = further_use(&message, &values);
            if has_further_use {
                observe(|| SocketEvent::Used(FrameUse::ExchangeAnswer));
            }
            let is_used = is_heartbeat || is_message || has_further_use;
            if !is_used && matches!(answered, Answered::NoRule) {
                observe(|| SocketEvent::Used(FrameUse::Unmatched));
                recorder.count(Count::FramesUnmatched);
            }
            answers.extend(answered.into_message());
        }
        answers
    }

    /// Returns the frame with the start of a packet of MQTT that came before it, up to the end
    /// of its last whole packet. What follows is kept for the next frame.
    pub fn join_packets<'f>(
        &mut self,
        frames: &CompiledFrames,
        frame: &'f Message,
    ) -> Cow<'f, Message> {
        let Message::Binary(bytes) = frame else {
            return Cow::Borrowed(frame);
        };
        if !frames.is_mqtt {
            return Cow::Borrowed(frame);
        }
        let mut joined = std::mem::take(&mut self.partial_packet);
        joined.extend_from_slice(bytes);
        let mut rest = joined.as_slice();
        while let Some((_, after)) = next_packet(rest) {
            rest = after;
        }
        let rest = joined.split_off(joined.len() - rest.len());
        // A longer one is not a packet of a server that keeps to its limits.
        if rest.len() <= MAX_PARTIAL_PACKET {
            self.partial_packet = rest;
        }
        Cow::Owned(Message::binary(joined))
    }

    /// Answers a frame by the first rule that fits, within the limit of answers.
    pub fn answer(
        &mut self,
        identity: SocketIdentity<'_>,
        message: &ReceivedFrame<'_>,
        now: Instant,
        recorder: &Recorder,
    ) -> Answered {
        let key = self.last_key();
        let values = self.values(identity, key);
        let mut rules = identity.protocol.frames.answers.iter().zip(1..);
        let fitting = rules.find(|(rule, _)| rule.to.matches(message, &values));
        let Some((rule, number)) = fitting else {
            return Answered::NoRule;
        };
        if !self.answers.try_take(now) {
            observe(|| SocketEvent::Used(FrameUse::AnswerLimitReached));
            recorder.count(Count::FramesUnanswered);
            return Answered::TooMany;
        }
        observe(|| SocketEvent::Used(FrameUse::Answered(number)));
        recorder.count(Count::FramesAnswered);
        Answered::With(self.next_message(identity, &rule.send).0)
    }

    /// Returns the key of the last frame with `{ref}`, for frames that answer none.
    pub fn last_key(&self) -> FrameKey {
        FrameKey {
            reference: self.last_reference,
            nonce: 0,
        }
    }

    fn is_heartbeat(
        &self,
        identity: SocketIdentity<'_>,
        heartbeat: &mut DeviceHeartbeat,
        message: &ReceivedFrame<'_>,
        now: Instant,
        recorder: &Recorder,
    ) -> bool {
        let matches =
            |matcher: &Matcher| matcher.matches(message, &self.values(identity, self.heartbeat));
        match &identity.protocol.frames.heartbeat {
            Some(CompiledHeartbeat::Watch(watch)) if matches(watch) => {
                heartbeat.on_watched(now, recorder);
                true
            }
            Some(CompiledHeartbeat::Send {
                expect: Some(expect),
                ..
            }) if matches(expect) => {
                // One that comes too late has counted as missed, and is still no stranger.
                heartbeat.on_pending_answer(now, recorder);
                true
            }
            _ => false,
        }
    }

    fn count_message(
        &mut self,
        identity: SocketIdentity<'_>,
        message: &ReceivedFrame<'_>,
        now: Instant,
        recorder: &Recorder,
    ) -> bool {
        let Some(matcher) = &identity.protocol.frames.count_messages else {
            return false;
        };
        if !matcher.matches(message, &self.values(identity, self.last_key())) {
            return false;
        }
        observe(|| SocketEvent::Used(FrameUse::CountedMessage));
        recorder.count(Count::MessagesReceived);
        if let Some(last) = self.last_message.replace(now) {
            recorder.time(Timing::MessageGap, now.duration_since(last));
        }
        true
    }
}

/// The result of looking for an answer to a frame.
#[derive(Debug, PartialEq)]
pub enum Answered {
    /// No rule is for the frame.
    NoRule,
    /// A rule is for it, and the socket has given all answers of this second.
    TooMany,
    /// The answer.
    With(Message),
}

impl Answered {
    /// Returns the answer to send.
    pub fn into_message(self) -> Option<Message> {
        match self {
            Self::With(message) => Some(message),
            Self::NoRule | Self::TooMany => None,
        }
    }
}

/// Splits a frame into its messages. Control frames have none.
pub fn messages_of<'f>(
    frames: &'f CompiledFrames,
    frame: &'f Message,
) -> impl Iterator<Item = ReceivedFrame<'f>> {
    let (text, bytes) = match frame {
        Message::Text(text) => (Some(text.as_str()), None),
        Message::Binary(bytes) => (None, Some(bytes.as_ref())),
        _ => (None, None),
    };
    let separator = frames.separator.as_deref();
    // A text without a separator is one message, even an empty one.
    let whole = text.filter(|_| separator.is_none());
    let parts = text
        .zip(separator)
        .into_iter()
        .flat_map(|(text, separator)| text.split(separator))
        .filter(|part| !part.is_empty())
        .take(MAX_MESSAGES_PER_FRAME);
    let texts = whole.into_iter().chain(parts).map(ReceivedFrame::from_text);
    let is_mqtt = frames.is_mqtt;
    let whole_bytes = bytes.filter(|_| !is_mqtt);
    let packets = bytes.filter(|_| is_mqtt).into_iter().flat_map(packets_of);
    let binaries = whole_bytes
        .into_iter()
        .chain(packets.take(MAX_MESSAGES_PER_FRAME));
    texts.chain(binaries.map(ReceivedFrame::from_bytes))
}

/// Splits bytes into whole packets of MQTT.
fn packets_of(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (_, after) = next_packet(rest)?;
        let (packet, _) = rest.split_at(rest.len() - after.len());
        rest = after;
        Some(packet)
    })
}

#[cfg(test)]
mod tests;
