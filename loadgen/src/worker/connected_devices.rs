//! The set of connected devices.

use std::collections::{HashMap, hash_map::Entry};

use parking_lot::Mutex;
use rand::Rng;

use crate::keys::DeviceKey;

/// A set of connected devices of a worker, with a random one in constant time. Each device may
/// have a value.
pub struct ConnectedDevices<T = ()> {
    inner: Mutex<IndexedDevices<T>>,
}

/// The devices as a list, and the position of each in it.
struct IndexedDevices<T> {
    /// The devices in no order: a removed one is replaced by the last.
    devices: Vec<(DeviceKey, T)>,
    /// The position of each device in `devices`.
    positions: HashMap<DeviceKey, u32>,
}

// Not derived, because an empty set needs no value.
impl<T> Default for ConnectedDevices<T> {
    fn default() -> Self {
        Self {
            inner: Mutex::new(IndexedDevices {
                devices: Vec::new(),
                positions: HashMap::new(),
            }),
        }
    }
}

impl<T: Clone> ConnectedDevices<T> {
    /// Adds a device with its value, if it is not in the set.
    pub fn insert(&self, device: DeviceKey, value: T) {
        let mut inner = self.inner.lock();
        let position = inner.devices.len() as u32;
        if let Entry::Vacant(vacant) = inner.positions.entry(device) {
            vacant.insert(position);
            inner.devices.push((device, value));
        }
    }

    /// Removes a device, if it is in the set.
    pub fn remove(&self, device: DeviceKey) {
        self.inner.lock().remove(device);
    }

    /// Returns a device, each with the same probability; `None` if the set is empty.
    pub fn pick_random(&self, rng: &mut impl Rng) -> Option<(DeviceKey, T)> {
        self.inner.lock().random(rng).cloned()
    }

    /// Removes a device, each with the same probability; `None` if the set is empty.
    pub fn take_random(&self, rng: &mut impl Rng) -> Option<(DeviceKey, T)> {
        let mut inner = self.inner.lock();
        let taken = inner.random(rng).cloned()?;
        inner.remove(taken.0);
        Some(taken)
    }
}

impl<T> IndexedDevices<T> {
    fn random(&self, rng: &mut impl Rng) -> Option<&(DeviceKey, T)> {
        match self.devices.len() {
            0 => None,
            length => self.devices.get(rng.random_range(0..length)),
        }
    }

    fn remove(&mut self, device: DeviceKey) {
        let Some(position) = self.positions.remove(&device) else {
            return;
        };
        self.devices.swap_remove(position as usize);
        // The last device has moved into the gap, unless it was the removed one.
        if let Some((moved, _)) = self.devices.get(position as usize) {
            self.positions.insert(*moved, position);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    fn key(index: u64) -> DeviceKey {
        DeviceKey { pool: 0, index }
    }

    proptest! {
        #[test]
        fn any_operations_match_a_set(operations in proptest::collection::vec((0u8..3, 0u64..20), 0..200)) {
            let connected = ConnectedDevices::default();
            let mut model = HashSet::new();
            let mut rng = StdRng::seed_from_u64(1);
            for (operation, index) in operations {
                match operation {
                    0 => {
                        connected.insert(key(index), index);
                        model.insert(index);
                    }
                    1 => {
                        connected.remove(key(index));
                        model.remove(&index);
                    }
                    _ => {
                        let taken = connected.take_random(&mut rng);
                        let was_known = taken.is_none_or(|(taken, _)| model.remove(&taken.index));
                        prop_assert!(was_known);
                    }
                }
                match connected.pick_random(&mut rng) {
                    Some((drawn, value)) => {
                        prop_assert!(model.contains(&drawn.index));
                        prop_assert_eq!(drawn.index, value);
                    }
                    None => prop_assert!(model.is_empty()),
                }
                prop_assert_eq!(connected.inner.lock().devices.len(), model.len());
            }
        }
    }
}
