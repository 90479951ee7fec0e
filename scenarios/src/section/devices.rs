//! `[[devices]]`: pools of idle heartbeat sockets.

use std::time::Duration;

use highwater_types::duration::{DAY, MILLISECOND, MINUTE};

use super::{
    answer::AnswerSection, heartbeat::HeartbeatSection, list, login::LoginSection,
    open_step::OpenStepSection, ramp::RampSection, reconnect::ReconnectSection, sub_table,
    subscription::SubscriptionSection, table_or_key,
};
use crate::{
    data::PoolData,
    diagnostic::ValueLocation,
    plan,
    value::{count, data_file, duration, frames, matcher, name, separator, size},
};

/// Shortest limit of a message, in bytes: the frames of the reference server fit.
const MIN_MESSAGE_BYTES: u64 = 1 << 10;

/// Longest limit of a message, in bytes. A worker holds one such message per socket at most.
const MAX_MESSAGE_BYTES: u64 = 256 << 20;

section! {
    /// A pool of idle sockets that only send heartbeats and answer commands.
    pub(crate) struct PoolSection = "[[devices]]";

    /// Name of the pool. Device ids are this name, a hyphen and a number from 0.
    pub(crate) name: String = name(), numbered;

    /// Number of sockets.
    pub(crate) count: u64 = count(1, 10_000_000), required;

    /// Sockets opened per second, over all workers together, or a table with what the ramp waits
    /// for.
    ramp: RampSection = table_or_key("rate"), required;

    /// Time at which the pool starts to open, from the start of the steady phase. Without it
    /// the pool belongs to the ramp.
    pub(crate) start: Duration = duration(Duration::ZERO, DAY.saturating_mul(30)), optional;

    /// Time between two heartbeats of one socket, for WebSocket pings, or a table with the
    /// frames of the heartbeat. Each socket has a random phase of its own. In the dialect `stomp`
    /// it is what a socket offers, and wants of the server.
    pub(crate) heartbeat: HeartbeatSection = table_or_key("every"), default "20s";

    /// Missed heartbeats in a row after which the client closes the socket and reconnects.
    max_missed: u32 = count(1, 1_000), default "2";

    /// Most time that an attempt to open a socket may take.
    connect_timeout: Duration =
        duration(MILLISECOND.saturating_mul(10), MINUTE.saturating_mul(10)), default "10s";

    /// Longest message that a device accepts. A longer one closes its socket with code 1009,
    /// counted as `disconnect.message_too_large`.
    max_message: u64 = size(MIN_MESSAGE_BYTES, MAX_MESSAGE_BYTES), default "1MiB";

    /// Pauses between attempts to open a socket.
    pub(crate) reconnect: ReconnectSection = sub_table(), default "{}";

    /// Text between several messages in one text frame of the server. Each message is tested
    /// by itself.
    pub(crate) separator: String = separator(), optional;

    /// Steps between the handshake and an open socket, in their order. `connect_timeout`
    /// covers them.
    pub(crate) open: Vec<OpenStepSection> = list("step"), optional;

    /// Frames of the server that the sockets answer.
    pub(crate) answer: Vec<AnswerSection> = list("answer"), optional;

    /// Frames of the server that count as received messages: `frames.received`, and the time
    /// between two of one socket as `frames.gap`.
    pub(crate) count_messages: plan::MatchSpec = matcher(), optional;

    /// Frames to send before the close frame, when the run closes the sockets.
    pub(crate) close: Vec<plan::FrameSpec> = frames(), optional;

    /// Subscriptions of each socket, in the dialect `stomp`.
    pub(crate) subscribe: Vec<SubscriptionSection> = list("subscription"), optional;

    /// File with a row of values for each device: row `n`, from 0, is that of device `n`. Its
    /// columns are placeholders. Values stay out of records and messages.
    pub(crate) data: String = data_file(), optional;

    /// A request of each device before its first socket.
    pub(crate) login: LoginSection = sub_table(), optional;
}

impl PoolSection {
    pub(crate) fn resolve(self, data: PoolData) -> Option<plan::DevicePool> {
        let frames = match self.has_frames() {
            true => Some(Box::new(self.frames()?)),
            false => None,
        };
        let subscribe = self.subscribe.elements().iter();
        let subscribe = subscribe.map(SubscriptionSection::resolve);
        let subscribe = subscribe.collect::<Option<_>>()?;
        let ramp = self.ramp.value?;
        Some(plan::DevicePool {
            name: self.name.value?,
            count: self.count.value?,
            ramp: ramp.rate.value?,
            ramp_control: ramp.control(),
            start: self.start.value,
            heartbeat: self.heartbeat.value?.every.value?,
            max_missed: self.max_missed.value?,
            connect_timeout: self.connect_timeout.value?,
            max_message: self.max_message.value?,
            reconnect: self.reconnect.value?.resolve()?,
            frames,
            subscribe,
            data: match data {
                PoolData::Absent => None,
                PoolData::Unreadable => return None,
                PoolData::Rows(spec) => Some(spec),
            },
            login: match (self.login.value, self.login.is_written) {
                (Some(login), _) => Some(login.resolve()?),
                (None, true) => return None,
                (None, false) => None,
            },
        })
    }

    /// Whether the pool has frames of its own.
    pub(crate) fn has_frames(&self) -> bool {
        self.frames_location().is_some()
    }

    /// Returns the place of the first key that declares frames.
    pub(crate) fn frames_location(&self) -> Option<&ValueLocation> {
        let heartbeat = self.heartbeat.value.as_ref();
        let has_heartbeat = heartbeat.is_some_and(HeartbeatSection::has_frames);
        [
            (self.separator.is_written, &self.separator.location),
            (self.open.is_written, &self.open.location),
            (self.answer.is_written, &self.answer.location),
            (has_heartbeat, &self.heartbeat.location),
            (
                self.count_messages.is_written,
                &self.count_messages.location,
            ),
            (self.close.is_written, &self.close.location),
        ]
        .into_iter()
        .find_map(|(is_written, location)| is_written.then_some(location))
    }

    /// Returns the frames; `None` where a part of them could not be read, which is reported.
    pub(crate) fn frames(&self) -> Option<plan::PoolFrames> {
        let open = self.open.elements().iter().map(OpenStepSection::resolve);
        let answer = self.answer.elements().iter().map(AnswerSection::resolve);
        Some(plan::PoolFrames {
            separator: self.separator.value.clone(),
            open: open.collect::<Option<_>>()?,
            answer: answer.collect::<Option<_>>()?,
            heartbeat: self.heartbeat.value.as_ref()?.frames(),
            count_messages: self.count_messages.value.clone(),
            close: self.close.value.clone().unwrap_or_default(),
        })
    }
}
