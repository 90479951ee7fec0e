//! Faults that a node injects into itself on request, of known size, so that a
//! harness can be shown to find them. One file per fault.

mod ignore_pings;
mod stall;

use std::time::Duration;

use serde::Deserialize;

use self::ignore_pings::IgnorePings;

/// A fault as it is asked for.
#[derive(Debug, Deserialize)]
#[serde(tag = "fault", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Fault {
    /// The whole node stands still.
    Stall { length_ms: u64 },
    /// Pings are read and not answered.
    IgnorePings { length_ms: u64 },
}

/// The faults of one node.
#[derive(Default)]
pub(crate) struct Faults {
    pub(crate) ignore_pings: IgnorePings,
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
        }
    }
}
