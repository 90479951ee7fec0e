//! `[[devices]]`: pools of idle heartbeat sockets.

use std::time::Duration;

use highwater_types::{
    Rate,
    duration::{DAY, HOUR, MILLISECOND, MINUTE},
};

use super::{login::LoginSection, reconnect::ReconnectSection, sub_table};
use crate::{
    data::PoolData,
    plan,
    value::{count, data_file, duration, name, rate, size},
};

/// Shortest limit of a message, in bytes: the frames of the reference server fit.
const MIN_MESSAGE_BYTES: u64 = 1 << 10;

/// Longest limit of a message, in bytes. A worker holds one such message per socket at most.
const MAX_MESSAGE_BYTES: u64 = 256 << 20;

section! {
    /// A pool of idle sockets that only send heartbeats and answer commands.
    pub(crate) struct PoolSection = "[[devices]]";

    /// Name of the pool. Device ids are this name, a hyphen and a number from 0.
    pub(crate) name: String = name(), numbered;

    /// Number of sockets.
    pub(crate) count: u64 = count(1, 10_000_000), required;

    /// Sockets opened per second, over all workers together.
    ramp: Rate = rate(), required;

    /// Time at which the pool starts to open, from the start of the steady phase. Without it
    /// the pool belongs to the ramp.
    pub(crate) start: Duration = duration(Duration::ZERO, DAY.saturating_mul(30)), optional;

    /// Time between two heartbeats of one socket. Each socket has a random phase of its own.
    heartbeat: Duration = duration(MILLISECOND.saturating_mul(100), HOUR), default "20s";

    /// Missed heartbeats in a row after which the client closes the socket and reconnects.
    max_missed: u32 = count(1, 1_000), default "2";

    /// Most time that an attempt to open a socket may take.
    connect_timeout: Duration =
        duration(MILLISECOND.saturating_mul(10), MINUTE.saturating_mul(10)), default "10s";

    /// Longest message that a device accepts. A longer one closes its socket with code 1009,
    /// counted as `disconnect.message_too_large`.
    max_message: u64 = size(MIN_MESSAGE_BYTES, MAX_MESSAGE_BYTES), default "1MiB";

    /// Pauses between attempts to open a socket.
    pub(crate) reconnect: ReconnectSection = sub_table(), default "{}";

    /// File with a row of values for each device: row `n`, from 0, is that of device `n`. Its
    /// columns are placeholders. Values stay out of records and messages.
    pub(crate) data: String = data_file(), optional;

    /// A request of each device before its first socket.
    pub(crate) login: LoginSection = sub_table(), optional;
}

impl PoolSection {
    pub(crate) fn resolve(self, data: PoolData) -> Option<plan::DevicePool> {
        Some(plan::DevicePool {
            name: self.name.value?,
            count: self.count.value?,
            ramp: self.ramp.value?,
            start: self.start.value,
            heartbeat: self.heartbeat.value?,
            max_missed: self.max_missed.value?,
            connect_timeout: self.connect_timeout.value?,
            max_message: self.max_message.value?,
            reconnect: self.reconnect.value?.resolve()?,
            data: match data {
                PoolData::Absent => None,
                PoolData::Unreadable => return None,
                PoolData::Rows(spec) => Some(spec),
            },
            login: match (self.login.value, self.login.is_written) {
                (Some(login), _) => Some(login.resolve()?),
                (None, true) => return None,
                (None, false) => None,
            },
        })
    }
}
