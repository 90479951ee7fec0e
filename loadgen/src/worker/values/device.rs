//! The values of one device at one moment.

use std::fmt::Write;

use chrono::Utc;
use highwater_scenarios::frames::{ValueRef, Values};

use super::{pool::PoolValues, taken::TakenValues};
use crate::{access::Environment, keys::DeviceKey};

/// The values of one device at one moment. Values of a message have no place here, and append
/// nothing.
pub struct DeviceValues<'a> {
    /// The device's id.
    pub id: String,
    /// The device's number within its pool.
    pub index: u64,
    /// The number of the worker, from 0.
    pub worker: u32,
    /// The texts and values of the device's pool.
    pub pool: &'a PoolValues,
    /// The variables of the environment.
    pub environment: &'a Environment,
    /// The values of the device's last login.
    pub taken: TakenValues,
}

impl<'a> DeviceValues<'a> {
    /// Gathers the values of a device of `pool`, with those of its last login.
    pub fn new(
        id: String,
        key: DeviceKey,
        worker: u32,
        pool: &'a PoolValues,
        environment: &'a Environment,
    ) -> Self {
        Self {
            id,
            index: key.index,
            worker,
            pool,
            environment,
            taken: pool.taken(key).unwrap_or_default(),
        }
    }
}

impl Values for DeviceValues<'_> {
    fn append(&self, value: ValueRef, out: &mut String) {
        // Writing to a String cannot fail.
        let _ = match value {
            ValueRef::Device => out.write_str(&self.id),
            ValueRef::Number => write!(out, "{}", self.index),
            ValueRef::Worker => write!(out, "{}", self.worker),
            ValueRef::NowMs => write!(out, "{}", Utc::now().timestamp_millis()),
            ValueRef::Column(column) => {
                let value = self.pool.column(self.index, column);
                out.write_str(value.unwrap_or_default())
            }
            ValueRef::Taken(number) => {
                let value = self.taken.value(number, self.pool.taken_count());
                out.write_str(value.unwrap_or_default())
            }
            ValueRef::Environment(_) => {
                self.environment.append(value, out);
                Ok(())
            }
            ValueRef::Ref | ValueRef::Nonce => Ok(()),
        };
    }
}
