//! Readings: what devices send upstream, and who handles it.
//!
//! Reading `k` of a load is due at `k / rate` and comes from device `k` modulo the
//! number of devices of the pool, which numbers its own from 0. So anybody can tell
//! from the plan alone which device owes what when, and from a reading's id which it
//! is.

use std::time::Duration;

use highwater_types::{Rate, duration};
use serde::{Deserialize, Serialize};

/// Readings that a pool of devices sends in the steady phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TelemetryLoad {
    /// Name of the load.
    pub name: String,
    /// Name of the pool whose devices send.
    pub pool: String,
    /// How many devices it has.
    pub devices: u64,
    /// Readings per second over all of them.
    pub rate: Rate,
    /// Length of a reading's body, in bytes.
    pub size: u64,
}

/// Readings that all loads of a run may have, when the harness starts the consumers:
/// each is followed to their journals, with two bits of the coordinator's memory.
pub const MAX_TELEMETRY: u64 = 1_000_000_000;

/// The consumers of readings that the harness starts, as one group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Consumers {
    /// How many, `c1`, `c2`, …
    pub count: u32,
    /// How long handling a reading takes.
    #[serde(with = "duration::millis")]
    pub processing_time: Duration,
    /// A fault of known size: of each consumer's readings every so many-th is
    /// acknowledged without having been handled. 0 is none.
    pub drop_every: u64,
}

impl TelemetryLoad {
    /// The number, in the load, of reading `index` of `device`.
    pub fn sequence_number(&self, device: u64, index: u64) -> u64 {
        index * self.devices + device
    }

    /// The device that sends reading `number`.
    pub fn device_of(&self, number: u64) -> u64 {
        number % self.devices
    }

    /// When reading `number` is due, from the start of the steady phase.
    pub fn due(&self, number: u64) -> Duration {
        self.rate.due(number)
    }

    /// How many readings are due before `until`, counted from the start of the steady
    /// phase.
    pub fn count_due_before(&self, until: Duration) -> u64 {
        let estimate = (until.as_secs_f64() * self.rate.as_per_second()) as u64;
        // Within one of it: due times are rounded to the nanosecond.
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
        fn every_reading_belongs_to_one_device(devices in 1u64..200, number in 0u64..1_000_000) {
            let load = load(devices, 1.0);
            let device = load.device_of(number);
            prop_assert!(device < devices);
            prop_assert_eq!(load.sequence_number(device, number / devices), number);
        }

        #[test]
        fn what_is_due_before_an_instant(rate in 0.01f64..10_000.0, millis in 0u64..100_000) {
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
