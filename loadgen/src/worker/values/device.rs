//! The values of one device at one moment.

use std::fmt::Write;

use chrono::Utc;
use highwater_scenarios::{
    frames::{ValueRef, Values},
    plan::DevicePool,
};

use super::pool::PoolValues;
use crate::{access::Environment, keys::DeviceKey};

/// The values of one device at one moment. Values of a frame or a message have no place here,
/// and append nothing.
#[derive(Debug, Clone, Copy)]
pub struct DeviceValues<'a> {
    /// The pool of the device.
    pub pool: &'a DevicePool,
    /// The device.
    pub device: DeviceKey,
    /// The worker's number, from 0.
    pub worker: u32,
    /// The texts and values of the pool.
    pub values: &'a PoolValues,
    /// The variables of the environment.
    pub environment: &'a Environment,
}

impl DeviceValues<'_> {
    /// Returns the device's id.
    pub fn id(&self) -> String {
        self.device.id(self.pool)
    }

    /// Returns the device's own values, which no record shows.
    pub fn secrets(&self) -> Vec<String> {
        self.values.of_device(self.device)
    }
}

impl Values for DeviceValues<'_> {
    fn append(&self, value: ValueRef, out: &mut String) {
        // Writing to a String cannot fail.
        let _ = match value {
            ValueRef::Device => write!(out, "{}-{}", self.pool.name, self.device.index),
            ValueRef::Number => write!(out, "{}", self.device.index),
            ValueRef::Worker => write!(out, "{}", self.worker),
            ValueRef::NowMs => write!(out, "{}", Utc::now().timestamp_millis()),
            ValueRef::Column(column) => {
                let value = self.values.column(self.device, column);
                out.write_str(value.unwrap_or_default())
            }
            ValueRef::Taken(number) => {
                self.values.append_taken(self.device, number, out);
                Ok(())
            }
            ValueRef::Environment(_) => {
                self.environment.append(value, out);
                Ok(())
            }
            ValueRef::Ref | ValueRef::Nonce => Ok(()),
        };
    }
}
