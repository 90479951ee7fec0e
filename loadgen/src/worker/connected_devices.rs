//! The set of connected devices.

use std::collections::{HashMap, hash_map::Entry};

use parking_lot::Mutex;
use rand::Rng;

use crate::keys::DeviceKey;

/// The set of connected devices of a worker, with a random one in constant time.
#[derive(Default)]
pub struct ConnectedDevices {
    inner: Mutex<IndexedDevices>,
}

/// The devices as a list, and the position of each in it.
#[derive(Default)]
struct IndexedDevices {
    /// The devices in no order: a removed one is replaced by the last.
    devices: Vec<DeviceKey>,
    /// The position of each device in `devices`.
    positions: HashMap<DeviceKey, u32>,
}

impl ConnectedDevices {
    /// Adds a device, if it is not in the set.
    pub fn insert(&self, device: DeviceKey) {
        let mut inner = self.inner.lock();
        let position = inner.devices.len() as u32;
        if let Entry::Vacant(vacant) = inner.positions.entry(device) {
            vacant.insert(position);
            inner.devices.push(device);
        }
    }

    /// Removes a device, if it is in the set.
    pub fn remove(&self, device: DeviceKey) {
        let mut inner = self.inner.lock();
        let Some(position) = inner.positions.remove(&device) else {
            return;
        };
        inner.devices.swap_remove(position as usize);
        // The last device has moved into the gap, unless it was the removed one.
        if let Some(moved) = inner.devices.get(position as usize).copied() {
            inner.positions.insert(moved, position);
        }
    }

    /// Returns a device, each with the same probability; `None` if the set is empty.
    pub fn pick_random(&self, rng: &mut impl Rng) -> Option<DeviceKey> {
        let inner = self.inner.lock();
        if inner.devices.is_empty() {
            return None;
        }
        Some(inner.devices[rng.random_range(0..inner.devices.len())])
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
        fn any_operations_match_a_set(operations in proptest::collection::vec((any::<bool>(), 0u64..20), 0..200)) {
            let connected = ConnectedDevices::default();
            let mut model = HashSet::new();
            let mut rng = StdRng::seed_from_u64(1);
            for (insert, index) in operations {
                if insert {
                    connected.insert(key(index));
                    model.insert(index);
                } else {
                    connected.remove(key(index));
                    model.remove(&index);
                }
                match connected.pick_random(&mut rng) {
                    Some(drawn) => prop_assert!(model.contains(&drawn.index)),
                    None => prop_assert!(model.is_empty()),
                }
                prop_assert_eq!(connected.inner.lock().devices.len(), model.len());
            }
        }
    }
}
