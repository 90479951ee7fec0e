//! The state of a device's connection, as far as it is counted.
//!
//! ```text
//! NotTried ──first attempt ends──► NeverOpened ──opened──► Open ──lost──► Lost
//!                                                           ▲              │
//!                                                           └───reopened───┘
//! ```

use std::time::Duration;

use highwater_reports::record::names::conn_event;
use highwater_scenarios::plan::DevicePool;

use crate::worker::{
    context::Context,
    recorder::{Count, Timing},
};

/// The state of a device's connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnState {
    NotTried,
    NeverOpened,
    Open,
    /// Lost at this time, in milliseconds on the run's clock. Not an `Instant`, because
    /// every device carries it.
    Lost(u32),
}

impl ConnState {
    /// Records that an attempt has ended. The ramp is over once each of its devices has
    /// ended its first.
    pub(super) fn on_attempt_ended(&mut self, context: &Context, pool: &DevicePool) {
        if *self == Self::NotTried {
            *self = Self::NeverOpened;
            // A pool with a start of its own opens in the steady phase.
            if pool.start.is_none() {
                context.recorder.ramp_socket_resolved();
            }
        }
    }

    /// Counts a socket as opened or reopened.
    pub(super) fn on_opened(&mut self, context: &Context) {
        let recorder = &context.recorder;
        // Reconnect time counts from the loss, with all failed attempts in between.
        if let Self::Lost(since_ms) = *self {
            let now = context.clock.now();
            let since = Duration::from_millis(since_ms.into());
            recorder.count(Count::SocketsReopened);
            recorder.time(Timing::Reconnect, now.saturating_sub(since));
            context.conn_events.record(now, conn_event::RECONNECTED);
        } else {
            recorder.count(Count::SocketsOpened);
        }
        *self = Self::Open;
    }

    /// Counts a socket as lost.
    pub(super) fn on_lost(&mut self, context: &Context) {
        let now = context.clock.now();
        context.conn_events.record(now, conn_event::LOST);
        // 32 bits hold 49 days. A longer run would show reconnect times that are too long.
        *self = Self::Lost(u32::try_from(now.as_millis()).unwrap_or(u32::MAX));
    }
}
