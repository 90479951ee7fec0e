//! The keys that name devices and load items of a plan on the wire and in journals.

use std::{fmt, num::ParseIntError, str::FromStr};

use highwater_scenarios::plan::DevicePool;

/// A device of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceKey {
    /// Number of the pool in the plan, from 0.
    pub pool: u32,
    /// Number in the pool, from 0.
    pub index: u64,
}

impl DeviceKey {
    /// Returns the id under which the system knows the device: `POOL-NUMBER`.
    pub fn id(self, pool: &DevicePool) -> String {
        format!("{}-{}", pool.name, self.index)
    }
}

/// A telemetry record or a published message, written `LOAD-NUMBER`.
///
/// The system sends the key back in its answer, and consumers write it into their
/// journals. The load is part of the key, because one device may serve several loads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadItemKey {
    /// Number of the load in the plan, from 0.
    pub load: usize,
    /// Number in the load.
    pub number: u64,
}

impl fmt::Display for LoadItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.load, self.number)
    }
}

/// The reason why a text is not a [`LoadItemKey`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid load item key: expected LOAD-NUMBER")]
pub struct InvalidLoadItemKey;

impl From<ParseIntError> for InvalidLoadItemKey {
    fn from(_: ParseIntError) -> Self {
        Self
    }
}

impl FromStr for LoadItemKey {
    type Err = InvalidLoadItemKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (load, number) = text.split_once('-').ok_or(InvalidLoadItemKey)?;
        Ok(Self {
            load: load.parse()?,
            number: number.parse()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_item_key_is_parsed_from_its_own_text() {
        let key = LoadItemKey {
            load: 3,
            number: 71,
        };
        assert_eq!(key.to_string(), "3-71");
        assert_eq!("3-71".parse(), Ok(key));
        for invalid in ["", "3", "3-", "-7", "3-x", "3-7-1"] {
            assert_eq!(invalid.parse::<LoadItemKey>(), Err(InvalidLoadItemKey));
        }
    }
}
