//! The rights that a token grants.

use serde::{Deserialize, Serialize};

use super::SessionId;
use crate::id::DeviceId;

/// Entries of one token's list of devices.
const MAX_ENTRIES: usize = 16;
/// The longest device id (128 bytes) and an asterisk.
const MAX_ENTRY_BYTES: usize = 129;

/// The rights of a verified token's bearer, and their end.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    /// The session it belongs to; tokens of other origin may have none.
    pub(crate) session: Option<SessionId>,
    pub(crate) user: String,
    pub(crate) devices: DevicePatterns,
    /// Seconds since 1970, the clocks' leeway included.
    pub(crate) expires_at_s: u64,
}

/// A list of device ids, or of beginnings of ids with an asterisk at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub(crate) struct DevicePatterns(Vec<String>);

/// The reason why a list of device patterns is invalid.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidDevicePatterns {
    #[error("{0} entries in `devices`: at most {MAX_ENTRIES} are accepted")]
    TooMany(usize),
    #[error("{0:?} in `devices` is neither a device's id nor the beginning of one and an asterisk")]
    InvalidEntry(String),
}

impl DevicePatterns {
    /// Whether the device is one of them.
    pub(crate) fn matches(&self, device: &DeviceId) -> bool {
        self.0.iter().any(|entry| match entry.strip_suffix('*') {
            Some(beginning) => device.as_str().starts_with(beginning),
            None => device.as_str() == entry,
        })
    }
}

impl TryFrom<Vec<String>> for DevicePatterns {
    type Error = InvalidDevicePatterns;

    fn try_from(entries: Vec<String>) -> Result<Self, InvalidDevicePatterns> {
        if entries.len() > MAX_ENTRIES {
            return Err(InvalidDevicePatterns::TooMany(entries.len()));
        }
        match entries.iter().find(|entry| !is_valid_entry(entry)) {
            Some(bad) => {
                let shown = bad.chars().take(MAX_ENTRY_BYTES).collect();
                Err(InvalidDevicePatterns::InvalidEntry(shown))
            }
            None => Ok(Self(entries)),
        }
    }
}

fn is_valid_entry(entry: &str) -> bool {
    match entry.strip_suffix('*') {
        Some("") => true,
        Some(beginning) => beginning.parse::<DeviceId>().is_ok(),
        None => entry.parse::<DeviceId>().is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn devices(entries: &[&str]) -> Result<DevicePatterns, InvalidDevicePatterns> {
        let entries: Vec<_> = entries.iter().map(|entry| (*entry).to_owned()).collect();
        entries.try_into()
    }

    #[test]
    fn ids_beginnings_and_everything() {
        let covers = |entries: &[&str], device: &str| {
            devices(entries).unwrap().matches(&device.parse().unwrap())
        };
        assert!(covers(&["home-1"], "home-1"));
        assert!(!covers(&["home-1"], "home-10"));
        assert!(covers(&["a", "home-1*"], "home-10"));
        assert!(!covers(&["home-*"], "late-1"));
        assert!(covers(&["*"], "anything"));
        assert!(!covers(&[], "anything"));
    }

    #[test]
    fn what_names_no_device_is_refused() {
        for bad in ["", "a b", "**", "a*b", "home-*-x", &"x".repeat(130)] {
            assert!(devices(&[bad]).is_err(), "{bad}");
        }
        assert_eq!(devices(&["a"; 17]), Err(InvalidDevicePatterns::TooMany(17)));
    }
}
