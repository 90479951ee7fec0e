//! `heartbeat` of a pool: its period, and its frames.

use std::time::Duration;

use highwater_types::duration::{HOUR, MILLISECOND};

use crate::{
    plan::{self, HeartbeatFrames},
    value::{duration, frame, matcher},
};

section! {
    /// The heartbeat of a pool's sockets, as `heartbeat = "20s"` for WebSocket pings, or as a
    /// table such as `heartbeat = { every = "20s", send = "ping", expect = { text = "pong" } }`
    /// in `[[devices]]`.
    pub(crate) struct HeartbeatSection = "devices.heartbeat";

    /// Time between two heartbeats of one socket. With `watch`, most time between two frames
    /// of the server.
    pub(crate) every: Duration = duration(MILLISECOND.saturating_mul(100), HOUR), required;

    /// Frame to send in place of a WebSocket ping.
    pub(crate) send: plan::FrameSpec = frame(), optional;

    /// Answer to `send`. Without it the heartbeats count as sent and are neither acknowledged
    /// nor missed.
    pub(crate) expect: plan::MatchSpec = matcher(), optional;

    /// Frame of a server that sends the heartbeats itself; in place of `send`. Each that comes
    /// in time counts as acknowledged.
    pub(crate) watch: plan::MatchSpec = matcher(), optional;
}

impl HeartbeatSection {
    /// Whether the heartbeat is another than a WebSocket ping.
    pub(crate) fn has_frames(&self) -> bool {
        self.send.is_written || self.expect.is_written || self.watch.is_written
    }

    /// Returns the frames, as far as they could be read.
    pub(crate) fn frames(&self) -> Option<HeartbeatFrames> {
        match (&self.send.value, &self.watch.value) {
            (Some(send), _) => Some(HeartbeatFrames::Send {
                send: send.clone(),
                expect: self.expect.value.clone(),
            }),
            (None, Some(watch)) => Some(HeartbeatFrames::Watch(watch.clone())),
            (None, None) => None,
        }
    }
}
