//! `ramp` of a pool: its rate, and what it waits for.

use highwater_types::Rate;

use crate::{
    plan::{self, RampControl},
    value::{count, hold_when, rate},
};

section! {
    /// The ramp of a pool, as `ramp = "200/s"`, or as a table such as
    /// `ramp = { rate = "6000/s", hold_when = "connect.p99 > 1s" }` in `[[devices]]`.
    pub(crate) struct RampSection = "devices.ramp";

    /// Sockets opened per second, over all workers together.
    pub(crate) rate: Rate = rate(), required;

    /// Condition under which a worker opens no further sockets, of this pool and of others, until
    /// it has not been true for the last second. An attempt that has no answer yet counts with
    /// its time so far.
    pub(crate) hold_when: plan::HoldWhen = hold_when(), optional;

    /// Most attempts to open a socket that one worker has at a time, over all pools. Without it,
    /// as many as the worker's ramp opens in a second, and at least 100.
    pub(crate) max_connecting: u32 = count(1, 1_000_000), optional;
}

impl RampSection {
    /// Returns the conditions under which the ramp waits.
    pub(crate) fn control(&self) -> RampControl {
        RampControl {
            hold_when: self.hold_when.value,
            max_connecting: self.max_connecting.value,
        }
    }
}
