//! The keys that name devices and load items of a plan on the wire and in journals.

use std::fmt;

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

impl LoadItemKey {
    /// Parses the form that `Display` writes; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        // Numbers hold no hyphen, so a text with a second one fails below.
        let (load, number) = text.split_once('-')?;
        Some(Self {
            load: load.parse().ok()?,
            number: number.parse().ok()?,
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
        assert_eq!(LoadItemKey::parse("3-71"), Some(key));
        for invalid in ["", "3", "3-", "-7", "3-x", "3-7-1"] {
            assert_eq!(LoadItemKey::parse(invalid), None);
        }
    }
}
