//! The rights that a token grants.

use serde::{Deserialize, Serialize};

use super::SessionId;
use crate::id::DeviceId;

/// The most entries in one token's list of devices.
const MAX_ENTRIES: usize = 16;
/// The longest device id (128 bytes) and an asterisk.
const MAX_ENTRY_BYTES: usize = 129;

/// The rights of a verified token's bearer, and their end.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    /// The session of the token; tokens of other issuers may have none.
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
    /// Whether the list contains the device.
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
                // Cut off, so that the answer to a caller is bounded.
                let shown = bad.chars().take(MAX_ENTRY_BYTES).collect();
                Err(InvalidDevicePatterns::InvalidEntry(shown))
            }
            None => Ok(Self(entries)),
        }
    }
}

fn is_valid_entry(entry: &str) -> bool {
    // An asterisk alone stands for every device.
    let id = entry.strip_suffix('*').unwrap_or(entry);
    entry == "*" || id.parse::<DeviceId>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn devices(entries: &[&str]) -> Result<DevicePatterns, InvalidDevicePatterns> {
        let entries = entries.iter().copied().map(str::to_owned);
        entries.collect::<Vec<_>>().try_into()
    }

    #[test]
    fn patterns_match_ids_prefixes_and_everything() {
        for (entries, device, expected) in [
            (&["home-1"][..], "home-1", true),
            (&["home-1"], "home-10", false),
            (&["a", "home-1*"], "home-10", true),
            (&["home-*"], "late-1", false),
            (&["*"], "anything", true),
            (&[], "anything", false),
        ] {
            let found = devices(entries).unwrap().matches(&device.parse().unwrap());
            assert_eq!(found, expected, "{entries:?} {device}");
        }
    }

    #[test]
    fn invalid_patterns_are_rejected() {
        for bad in ["", "a b", "**", "a*b", "home-*-x", &"x".repeat(130)] {
            assert!(devices(&[bad]).is_err(), "{bad}");
        }
        assert_eq!(devices(&["a"; 17]), Err(InvalidDevicePatterns::TooMany(17)));
    }
}
