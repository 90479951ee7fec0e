//! `[[telemetry]]`: what devices send upstream.

use std::time::Duration;

use highwater_types::{
    Rate,
    duration::{DAY, MILLISECOND},
};

use crate::{
    diagnostic::ValueLocation,
    plan,
    value::{duration, name, rate, size},
};

section! {
    /// Telemetry records that devices send upstream in the steady phase, on a fixed schedule,
    /// for a group of consumers to handle. A device sends a record again when it was
    /// rejected, and when it was not answered before its socket ended. A record that is due
    /// while the socket is closed waits, and its time runs. Every record is followed to the
    /// journals of the consumers.
    pub(crate) struct TelemetrySection = "[[telemetry]]";

    /// Name of the load.
    pub(crate) name: String = name(), numbered;

    /// The pool of devices that send. Without it the only pool.
    pub(crate) pool: String = name(), optional;

    /// Telemetry records due per second, over all devices of the pool, which take turns. This
    /// or `every`.
    pub(crate) rate: Rate = rate(), optional;

    /// Time between two telemetry records of one device. This or `rate`.
    pub(crate) every: Duration = duration(MILLISECOND, DAY), optional;

    /// Length of a telemetry record's body.
    // With its envelope a record must stay below the 64 KiB that a node accepts.
    size: u64 = size(2, 48 * 1024), default "64B";
}

impl TelemetrySection {
    /// Returns the place of the key that says when records are due.
    pub(crate) fn schedule_location(&self) -> &ValueLocation {
        match (&self.rate.value, &self.every.value) {
            (Some(_), _) => &self.rate.location,
            (None, Some(_)) => &self.every.location,
            (None, None) => &self.name.location,
        }
    }

    /// Returns the records per second of a pool of `devices`; `None` unless exactly one key
    /// gives them.
    pub(crate) fn rate_for(&self, devices: u64) -> Option<Rate> {
        match (self.rate.value, self.every.value) {
            (Some(rate), None) => Some(rate),
            (None, Some(every)) => Rate::per_second(devices as f64 / every.as_secs_f64()),
            // A rule reports both keys and neither.
            _ => None,
        }
    }

    /// Resolves the load; `pools` are the plan's pools.
    pub(crate) fn resolve(self, pools: &[plan::DevicePool]) -> Option<plan::TelemetryLoad> {
        let pool = plan::find_pool(pools, self.pool.value.as_deref())?;
        let rate = self.rate_for(pool.count)?;
        Some(plan::TelemetryLoad {
            name: self.name.value?,
            pool: pool.name.clone(),
            devices: pool.count,
            rate,
            size: self.size.value?,
        })
    }
}
