//! `open` of a pool: the steps between the handshake and an open socket.

use std::time::Duration;

use highwater_types::duration::{MILLISECOND, MINUTE};

use crate::{
    plan,
    value::{duration, frame, matcher, takes},
};

section! {
    /// A step of opening a socket: a frame to send, a frame to wait for, or one after the
    /// other, as `open = [{ send = "40", expect = { prefix = "40" } }]` in `[[devices]]`.
    pub(crate) struct OpenStepSection = "[[devices.open]]";

    /// Frame to send first.
    pub(crate) send: plan::FrameSpec = frame(), optional;

    /// Frame to wait for; others before it are skipped.
    pub(crate) expect: plan::MatchSpec = matcher(), optional;

    /// Most time to wait. A frame that does not come fails the attempt, counted as
    /// `connect.failed.open_N` with the number of the step, from 1.
    pub(crate) within: Duration = duration(MILLISECOND, MINUTE.saturating_mul(10)), default "5s";

    /// Values to take from the expected frame, as placeholders of the frames after it.
    /// `json:PATH`: a value in JSON. `regex:EXPRESSION`: the first group.
    pub(crate) take: Vec<plan::TakeSpec> = takes(), optional;
}

impl OpenStepSection {
    pub(crate) fn resolve(&self) -> Option<plan::OpenStep> {
        Some(plan::OpenStep {
            send: self.send.value.clone(),
            expect: self.expect.value.clone(),
            within: self.within.value?,
            take: self.take.value.clone().unwrap_or_default(),
        })
    }
}
