//! Faults that a node injects into itself on request, of known size, so that a
//! harness can be shown to find them. One file per fault.

mod ignore_pings;
mod messages;
mod stall;

use std::time::Duration;

use serde::Deserialize;

pub(crate) use self::messages::Fate;
use self::{ignore_pings::IgnorePings, messages::Messages};

/// A fault as it is asked for.
#[derive(Debug, Deserialize)]
#[serde(tag = "fault", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Fault {
    /// The whole node stands still.
    Stall { length_ms: u64 },
    /// Pings are read and not answered.
    IgnorePings { length_ms: u64 },
    /// Deliveries of topic messages that never come.
    DropMessages { count: u64 },
    /// Deliveries that come twice.
    DuplicateMessages { count: u64 },
    /// Deliveries that come after the next one.
    ReorderMessages { count: u64 },
}

/// The faults of one node.
#[derive(Default)]
pub(crate) struct Faults {
    pub(crate) ignore_pings: IgnorePings,
    pub(crate) messages: Messages,
}

impl Faults {
    /// Injects a fault; it begins by itself, at the latest a moment after this
    /// returns.
    pub(crate) fn inject(&self, fault: &Fault) {
        tracing::warn!(?fault, "fault injected");
        match fault {
            Fault::Stall { length_ms } => stall::inject(Duration::from_millis(*length_ms)),
            Fault::IgnorePings { length_ms } => {
                self.ignore_pings.inject(Duration::from_millis(*length_ms));
            }
            Fault::DropMessages { count } => self.messages.drop_next(*count),
            Fault::DuplicateMessages { count } => self.messages.double_next(*count),
            Fault::ReorderMessages { count } => self.messages.delay_next(*count),
        }
    }
}
