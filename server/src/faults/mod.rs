//! Faults of known size that a node injects into itself on request. They prove that the
//! harness finds what it claims to find. One file for each fault.

mod ignore_pings;
mod message_faults;
mod stall;

use std::time::Duration;

use serde::Deserialize;

pub(crate) use self::message_faults::DeliveryFault;
use self::{ignore_pings::IgnorePings, message_faults::MessageFaults};

/// The longest duration of a fault: an hour.
const MAX_DURATION_MS: u64 = 60 * 60 * 1000;
/// The most deliveries that one request may hit.
const MAX_COUNT: u64 = 1_000_000_000;

/// A fault in a request.
#[derive(Debug, Deserialize)]
#[serde(tag = "fault", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum FaultRequest {
    /// Stops the whole node.
    Stall { duration_ms: u64 },
    /// Leaves pings unanswered.
    IgnorePings { duration_ms: u64 },
    /// Drops deliveries of topic messages.
    DropMessages { count: u64 },
    /// Duplicates deliveries.
    DuplicateMessages { count: u64 },
    /// Delivers messages after the next one.
    ReorderMessages { count: u64 },
}

/// A size beyond its maximum, which would outlast every experiment.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{what}` of {found}: at most {most} is accepted")]
pub(crate) struct FaultTooLarge {
    what: &'static str,
    found: u64,
    most: u64,
}

impl FaultRequest {
    /// Checks the size of the fault.
    pub(crate) fn validate(&self) -> Result<(), FaultTooLarge> {
        let (what, found, most) = match *self {
            Self::Stall { duration_ms } | Self::IgnorePings { duration_ms } => {
                ("duration_ms", duration_ms, MAX_DURATION_MS)
            }
            Self::DropMessages { count }
            | Self::DuplicateMessages { count }
            | Self::ReorderMessages { count } => ("count", count, MAX_COUNT),
        };
        match found <= most {
            true => Ok(()),
            false => Err(FaultTooLarge { what, found, most }),
        }
    }
}

/// The active faults of one node.
#[derive(Default)]
pub(crate) struct Faults {
    pub(crate) ignore_pings: IgnorePings,
    pub(crate) messages: MessageFaults,
}

impl Faults {
    /// Injects a fault. It begins at once, or shortly after this returns.
    pub(crate) fn inject(&self, fault: &FaultRequest) {
        tracing::warn!(?fault, "fault injected");
        match *fault {
            FaultRequest::Stall { duration_ms } => {
                stall::inject(Duration::from_millis(duration_ms));
            }
            FaultRequest::IgnorePings { duration_ms } => {
                let length = Duration::from_millis(duration_ms);
                self.ignore_pings.inject(length);
            }
            FaultRequest::DropMessages { count } => {
                self.messages.add(DeliveryFault::Dropped, count);
            }
            FaultRequest::DuplicateMessages { count } => {
                self.messages.add(DeliveryFault::Duplicated, count);
            }
            FaultRequest::ReorderMessages { count } => {
                self.messages.add(DeliveryFault::Delayed, count);
            }
        }
    }
}
