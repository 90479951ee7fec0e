//! Telemetry records that devices send upstream, and the consumers that handle them.
//!
//! Record `k` of a load is due at `k / rate` and comes from device `k` modulo the number of
//! devices of the pool, which numbers its own records from 0. The plan alone says which
//! device is due to send which record when, and a record's id says which one it is.

use std::time::Duration;

use highwater_types::{Rate, duration};
use serde::{Deserialize, Serialize};

/// Telemetry records that a pool of devices sends in the steady phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TelemetryLoad {
    /// Name of the load.
    pub name: String,
    /// Name of the pool whose devices send.
    pub pool: String,
    /// Number of devices of the pool.
    pub devices: u64,
    /// Records per second over all of them.
    pub rate: Rate,
    /// Length of a record's body, in bytes.
    pub size: u64,
}

/// Most records of a run whose consumers the harness starts. Each record is followed to the
/// consumers' journals, with two bits of the coordinator's memory: 250 MB for all of them.
pub const MAX_TELEMETRY: u64 = 1_000_000_000;

/// The consumers of telemetry records that the harness starts, as one group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Consumers {
    /// Number of consumers, `c1`, `c2`, …
    pub count: u32,
    /// Time that a consumer takes for a record.
    #[serde(with = "duration::millis")]
    pub processing_time: Duration,
    /// A fault of known size: each consumer acknowledges every so many-th of its records
    /// without handling it. 0 drops none.
    pub drop_every: u64,
}

impl TelemetryLoad {
    /// Returns the number, in the load, of record `index` of `device`.
    pub fn sequence_number(&self, device: u64, index: u64) -> u64 {
        // Numbers of one device are spread over all records, so that devices take turns.
        index * self.devices + device
    }

    /// Returns the device that sends record `number`.
    pub fn device_of(&self, number: u64) -> u64 {
        number % self.devices
    }

    /// Returns when record `number` is due, from the start of the steady phase.
    pub fn due(&self, number: u64) -> Duration {
        self.rate.due(number)
    }

    /// Returns the number of records that are due before `until`, counted from the start of
    /// the steady phase.
    pub fn count_due_before(&self, until: Duration) -> u64 {
        let estimate = (until.as_secs_f64() * self.rate.as_per_second()) as u64;
        // The result is within one of the estimate, because due times are rounded to the
        // nanosecond.
        (estimate.saturating_sub(1)..)
            .find(|number| self.due(*number) >= until)
            .unwrap_or(estimate)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn record_belongs_to_one_device(devices in 1u64..200, number in 0u64..1_000_000) {
            let load = load(devices, 1.0);
            let device = load.device_of(number);
            prop_assert!(device < devices);
            prop_assert_eq!(load.sequence_number(device, number / devices), number);
        }

        #[test]
        fn count_due_before_instant_is_exact(rate in 0.01f64..10_000.0, millis in 0u64..100_000) {
            let load = load(3, rate);
            let until = Duration::from_millis(millis);
            let count = load.count_due_before(until);
            prop_assert!(load.due(count) >= until);
            prop_assert!(count == 0 || load.due(count - 1) < until);
        }
    }

    fn load(devices: u64, rate: f64) -> TelemetryLoad {
        TelemetryLoad {
            name: "r".into(),
            pool: "p".into(),
            devices,
            rate: Rate::per_second(rate).unwrap(),
            size: 1,
        }
    }
}
