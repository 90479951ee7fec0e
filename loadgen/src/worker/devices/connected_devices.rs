//! The devices that are connected now, with a random one in constant time.

use std::collections::{HashMap, hash_map::Entry};

use parking_lot::Mutex;
use rand::Rng;

use super::device::DeviceKey;

/// A set that can be drawn from.
#[derive(Default)]
pub struct ConnectedDevices {
    inner: Mutex<IndexedDevices>,
}

#[derive(Default)]
struct IndexedDevices {
    /// In no order.
    devices: Vec<DeviceKey>,
    /// Where each stands in `members`.
    positions: HashMap<DeviceKey, u32>,
}

impl ConnectedDevices {
    /// Adds a device; twice is once.
    pub fn insert(&self, device: DeviceKey) {
        let mut inner = self.inner.lock();
        let place = inner.devices.len() as u32;
        if let Entry::Vacant(vacant) = inner.positions.entry(device) {
            vacant.insert(place);
            inner.devices.push(device);
        }
    }

    /// Takes a device out, if it is in.
    pub fn remove(&self, device: DeviceKey) {
        let mut inner = self.inner.lock();
        let Some(place) = inner.positions.remove(&device) else {
            return;
        };
        inner.devices.swap_remove(place as usize);
        if let Some(moved) = inner.devices.get(place as usize).copied() {
            inner.positions.insert(moved, place);
        }
    }

    /// Any one, each as likely as another; `None` when there is none.
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
        fn behaves_like_a_set(operations in proptest::collection::vec((any::<bool>(), 0u64..20), 0..200)) {
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
