//! Messages that devices send over their own sockets, and the frames that answer them.
//!
//! Arrival `k` of an open load is due at `start + k / rate`, and a random connected device of
//! the pool sends it. The workers that hold devices of the pool share the arrivals.

use std::time::Duration;

use highwater_types::duration;
use serde::{Deserialize, Serialize};

use super::{DevicePool, FrameSpec, LoadModel, MatchSpec};

/// Messages that the devices of a pool send in the steady phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageLoad {
    /// Name of the load.
    pub name: String,
    /// Name of the pool whose devices send.
    pub pool: String,
    /// Number of devices of the pool.
    pub devices: u64,
    /// The load model, which says when messages are due.
    pub model: LoadModel,
    /// The frame to send.
    pub send: FrameSpec,
    /// The answer; `None` where none is expected.
    pub expect: Option<MatchSpec>,
    /// The answer of a system that rejects the message.
    pub reject: Option<MatchSpec>,
    /// Time after which an unanswered message is `timed_out`.
    #[serde(with = "duration::millis")]
    pub timeout: Duration,
    /// Time at which the first message is due, from the start of the steady phase.
    #[serde(with = "duration::millis")]
    pub start: Duration,
    /// Time during which messages are due.
    #[serde(with = "duration::millis")]
    pub duration: Duration,
}

impl MessageLoad {
    /// Returns the time at which the last messages are due, from the start of the steady phase.
    pub fn end(&self) -> Duration {
        self.start + self.duration
    }

    /// Returns the number of the load's pool in a plan.
    pub fn pool_index(&self, pools: &[DevicePool]) -> Option<usize> {
        pools.iter().position(|pool| pool.name == self.pool)
    }
}
