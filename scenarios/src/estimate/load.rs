//! The load of a plan when everything is open.

use std::time::Duration;

use crate::{
    Plan,
    plan::{DevicePool, LoadModel, PublishLoad},
};

/// Longest wait for the acceptance of telemetry records after the steady phase.
const TELEMETRY_ACK_TIMEOUT: Duration = Duration::from_secs(20);

impl Plan {
    /// Returns when the last socket of the ramp is due, from the ramp's start; zero where no
    /// pool belongs to the ramp.
    pub fn planned_ramp(&self) -> Duration {
        self.ramp_pools()
            .map(DevicePool::ramp_duration)
            .max()
            .unwrap_or_default()
    }

    /// Returns the sockets of all pools.
    pub fn sockets(&self) -> u64 {
        self.devices.iter().map(|pool| pool.count).sum()
    }

    /// Returns the sockets of the pools that belong to the ramp.
    pub fn ramp_sockets(&self) -> u64 {
        self.ramp_pools().map(|pool| pool.count).sum()
    }

    /// Returns the users of all closed command loads.
    pub fn users(&self) -> u64 {
        self.commands.iter().map(|load| load.model.users()).sum()
    }

    /// Returns the users of all closed message loads.
    pub fn message_users(&self) -> u64 {
        self.messages.iter().map(|load| load.model.users()).sum()
    }

    /// Returns the most commands per second: the arrivals of the open loads, and for the
    /// closed ones the commands that their users send when every reply comes at once. `None`
    /// when a load's users do not think, because then the system sets the pace.
    pub fn requests_per_s(&self) -> Option<f64> {
        self.commands.iter().map(|load| load.model.per_s()).sum()
    }

    /// Returns the most messages of devices per second, over all loads while they last; `None`
    /// as for [`requests_per_s`](Self::requests_per_s).
    pub fn exchanges_per_s(&self) -> Option<f64> {
        self.messages.iter().map(|load| load.model.per_s()).sum()
    }

    /// Returns the heartbeats per second when every socket is open.
    pub fn heartbeats_per_s(&self) -> f64 {
        let rate = |pool: &DevicePool| pool.count as f64 / pool.heartbeat.as_secs_f64();
        self.devices.iter().map(rate).sum()
    }

    /// Returns the messages published per second, over all loads while they last.
    pub fn messages_per_s(&self) -> f64 {
        let loads = self.publish.iter();
        loads.map(|load| load.rate.as_per_second()).sum()
    }

    /// Returns the deliveries of messages per second.
    pub fn deliveries_per_s(&self) -> f64 {
        self.publish.iter().map(PublishLoad::deliveries_per_s).sum()
    }

    /// Returns the telemetry records per second, over all loads.
    pub fn telemetry_per_s(&self) -> f64 {
        let loads = self.telemetry.iter();
        loads.map(|load| load.rate.as_per_second()).sum()
    }

    /// Returns the longest wait for an answer to anything over HTTP, or to a device's message
    /// or telemetry record.
    pub fn longest_response_wait(&self) -> Duration {
        let commands = self.commands.iter().map(|load| load.timeout);
        let exchanges = self.messages.iter().map(|load| load.timeout);
        let messages = self.publish.iter().map(|load| load.timeout);
        let telemetry = (!self.telemetry.is_empty()).then_some(TELEMETRY_ACK_TIMEOUT);
        let waits = commands.chain(exchanges).chain(messages).chain(telemetry);
        waits.max().unwrap_or_default()
    }

    /// Returns the pools that belong to the ramp.
    pub(crate) fn ramp_pools(&self) -> impl Iterator<Item = &DevicePool> {
        self.devices.iter().filter(|pool| pool.start.is_none())
    }
}

impl DevicePool {
    /// Returns the time from the pool's first socket to its last.
    pub(crate) fn ramp_duration(&self) -> Duration {
        // The first socket is due at once, so the last one is number `count - 1`.
        self.ramp.due(self.count.saturating_sub(1))
    }
}

impl LoadModel {
    /// Returns the number of users; none of the open model.
    fn users(&self) -> u64 {
        match *self {
            Self::Closed { users, .. } => users,
            Self::Open { .. } => 0,
        }
    }

    /// Returns the most actions per second; `None` for users who do not think.
    fn per_s(&self) -> Option<f64> {
        match *self {
            Self::Closed { think, .. } if think.is_zero() => None,
            // A reply that comes at once leaves the think time alone between two commands.
            Self::Closed { users, think } => Some(users as f64 / think.as_secs_f64()),
            Self::Open { rate, .. } => Some(rate.as_per_second()),
        }
    }
}
