//! The values that devices took from the answers to their logins.

use std::fmt;

use parking_lot::RwLock;

/// Bytes in front of the values for the length of each. No value has 64 KiB.
const LENGTH_BYTES: usize = size_of::<u16>();

/// The values that one device took from an answer: their lengths, then their text.
///
/// One allocation, because a worker holds these for each of its devices. A device without
/// values needs no allocation.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TakenValues(Box<[u8]>);

/// The taken values of a worker's devices of one pool.
#[derive(Debug, Default)]
pub struct TakenStore(RwLock<Box<[Option<TakenValues>]>>);

impl TakenValues {
    /// Packs values; `None` if one is too long.
    pub fn pack(values: &[String]) -> Option<Self> {
        let mut packed = Vec::new();
        for value in values {
            packed.extend(u16::try_from(value.len()).ok()?.to_le_bytes());
        }
        for value in values {
            packed.extend_from_slice(value.as_bytes());
        }
        Some(Self(packed.into()))
    }

    /// Returns a value of `count`; `None` for a number that no value has.
    pub fn value(&self, number: usize, count: usize) -> Option<&str> {
        if number >= count {
            return None;
        }
        let length = |number: usize| {
            let at = number * LENGTH_BYTES;
            let bytes = self.0.get(at..at + LENGTH_BYTES)?;
            Some(usize::from(u16::from_le_bytes(bytes.try_into().ok()?)))
        };
        let before: usize = (0..number).map(length).sum::<Option<_>>()?;
        let start = count * LENGTH_BYTES + before;
        let bytes = self.0.get(start..start + length(number)?)?;
        std::str::from_utf8(bytes).ok()
    }
}

impl fmt::Debug for TakenValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TakenValues(…)")
    }
}

impl TakenStore {
    /// Makes room for the values of so many devices.
    pub fn new(devices: usize) -> Self {
        Self(RwLock::new(vec![None; devices].into()))
    }

    /// Lets `read` see the values of a device, if it has logged in.
    pub fn read(&self, device: usize, read: impl FnOnce(&TakenValues)) {
        if let Some(Some(taken)) = self.0.read().get(device) {
            read(taken);
        }
    }

    /// Whether a device has logged in.
    pub fn has(&self, device: usize) -> bool {
        self.0.read().get(device).is_some_and(Option::is_some)
    }

    /// Replaces the values of a device.
    pub fn set(&self, device: usize, values: TakenValues) {
        if let Some(slot) = self.0.write().get_mut(device) {
            *slot = Some(values);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_values_are_found_by_their_numbers() {
        let values = ["", "s3cr3t", "é", "x"].map(str::to_owned);
        let taken = TakenValues::pack(&values).unwrap();
        for (number, value) in values.iter().enumerate() {
            assert_eq!(taken.value(number, values.len()), Some(value.as_str()));
        }
        assert_eq!(taken.value(4, values.len()), None);
        assert_eq!(TakenValues::default().value(0, 1), None);
        assert_eq!(TakenValues::pack(&["x".repeat(1 << 16)]), None);
        assert_eq!(format!("{taken:?}"), "TakenValues(…)");
    }

    /// A device of a pool with a login costs this, its text, and two bytes for each value.
    #[test]
    fn taken_values_cost_a_pointer_their_text_and_two_bytes_each() {
        assert_eq!(size_of::<Option<TakenValues>>(), 16);
        let values = ["a".repeat(40), "b".repeat(8)];
        assert_eq!(TakenValues::pack(&values).unwrap().0.len(), 48 + 2 * 2);
        // A pool without a login allocates nothing for its devices.
        assert!(TakenStore::default().0.read().is_empty());
    }

    #[test]
    fn store_keeps_the_last_values_of_each_device() {
        let store = TakenStore::new(2);
        assert!(!store.has(1));
        for value in ["old", "new"] {
            store.set(1, TakenValues::pack(&[value.to_owned()]).unwrap());
        }
        let mut found = Vec::new();
        for device in 0..3 {
            store.read(device, |taken| {
                found.extend(taken.value(0, 1).map(str::to_owned))
            });
        }
        assert_eq!(found, ["new"]);
        assert!(store.has(1) && !store.has(2));
    }
}
