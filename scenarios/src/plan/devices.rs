//! Pools of idle heartbeat sockets.

use std::time::Duration;

use highwater_types::{Rate, duration};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use super::{DataSpec, LoginSpec, PoolFrames, RampControl, StompSubscription};

/// A pool of idle heartbeat sockets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DevicePool {
    /// Name of the pool. Device ids are this name, a hyphen and a number from 0.
    pub name: String,
    /// Number of sockets.
    pub count: u64,
    /// Sockets opened per second, over all workers.
    pub ramp: Rate,
    /// The conditions under which the ramp waits.
    #[serde(default, skip_serializing_if = "RampControl::is_default")]
    pub ramp_control: RampControl,
    /// Time at which the pool starts to open, from the start of the steady phase; `None`
    /// opens it in the ramp.
    #[serde(with = "duration::optional_millis")]
    pub start: Option<Duration>,
    /// Time between two heartbeats of one socket.
    #[serde(with = "duration::millis")]
    pub heartbeat: Duration,
    /// Missed heartbeats in a row after which the client closes and reconnects.
    pub max_missed: u32,
    /// Most time that an attempt to open may take.
    #[serde(with = "duration::millis")]
    pub connect_timeout: Duration,
    /// Longest message that a device accepts, in bytes.
    #[serde(default = "default_max_message")]
    pub max_message: u64,
    /// Pauses between attempts.
    pub reconnect: ReconnectSpec,
    /// The frames of the sockets besides WebSocket pings; `None` without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<Box<PoolFrames>>,
    /// The subscriptions of each session of STOMP.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subscribe: Vec<StompSubscription>,
    /// The values of each device.
    #[serde(default)]
    pub data: Option<DataSpec>,
    /// The login of each device.
    #[serde(default)]
    pub login: Option<LoginSpec>,
}

/// The limit of records that were written before a scenario could set it.
const fn default_max_message() -> u64 {
    1 << 20
}

/// Pauses between attempts to open a socket: doubling from `first` to `max`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReconnectSpec {
    /// Longest pause before the first new attempt.
    #[serde(with = "duration::millis")]
    pub first: Duration,
    /// Longest pause ever.
    #[serde(with = "duration::millis")]
    pub max: Duration,
    /// The draw of each pause.
    pub jitter: Jitter,
    /// Most attempts per second that follow a failed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Rate>,
}

/// The draw of a pause from its upper bound.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Jitter {
    /// Uniformly between zero and the bound.
    Full,
    /// The bound itself.
    None,
}

/// Returns the pool of this name, or the only pool where a load names none. A rule has
/// reported a load that names none of several pools.
pub(crate) fn find_pool<'p>(pools: &'p [DevicePool], name: Option<&str>) -> Option<&'p DevicePool> {
    match name {
        Some(name) => pools.iter().find(|pool| pool.name == name),
        None => pools.first(),
    }
}
