//! `reconnect` of a pool: pauses between attempts.

use std::time::Duration;

use highwater_types::{
    Rate,
    duration::{HOUR, MILLISECOND},
};

use crate::{
    plan::{self, Jitter},
    value::{duration, rate, word},
};

section! {
    /// The pauses before a pool's sockets are opened again, as
    /// `reconnect = { first = "1s", max = "30s", jitter = "full" }` in `[[devices]]`.
    pub(crate) struct ReconnectSection = "devices.reconnect";

    /// Longest pause before the first new attempt; it doubles with each attempt that fails.
    pub(crate) first: Duration = duration(MILLISECOND, HOUR), default "1s";

    /// Longest pause ever.
    pub(crate) max: Duration = duration(MILLISECOND, HOUR), default "30s";

    /// The draw of each pause. `full`: evenly between zero and its bound. `none`: the bound
    /// itself.
    jitter: Jitter = word(), default "full";

    /// Most attempts per second that follow a failed one, of all devices of the pool over all
    /// workers together. One beyond it waits for its turn after its pause.
    budget: Rate = rate(), optional;
}

impl ReconnectSection {
    pub(crate) fn resolve(self) -> Option<plan::ReconnectSpec> {
        Some(plan::ReconnectSpec {
            first: self.first.value?,
            max: self.max.value?,
            jitter: self.jitter.value?,
            budget: self.budget.value,
        })
    }
}
