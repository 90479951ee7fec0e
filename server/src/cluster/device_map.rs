//! A small map from devices that wastes little memory: a sorted vector.
//!
//! The directory has a map for each of its thousands of slots. A hash map keeps a third of its
//! places free and has four at least. For slots with one or two entries each, that is more than the
//! entries themselves.

use crate::id::DeviceId;

/// A map from devices to values, in the order of the devices.
#[derive(Debug)]
pub(super) struct DeviceMap<V> {
    entries: Vec<(DeviceId, V)>,
}

impl<V> Default for DeviceMap<V> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
        }
    }
}

impl<V> DeviceMap<V> {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn get(&self, device: &DeviceId) -> Option<&V> {
        let at = self.position(device).ok()?;
        self.entries.get(at).map(|(_, value)| value)
    }

    /// Sets the value of a device and returns the one before.
    pub(super) fn insert(&mut self, device: &DeviceId, value: V) -> Option<V> {
        match self.position(device) {
            Ok(at) => {
                let (_, existing) = self.entries.get_mut(at)?;
                Some(std::mem::replace(existing, value))
            }
            Err(at) => {
                if self.entries.len() == self.entries.capacity() {
                    // An eighth in place of double: entries move seldom, and stay for long.
                    self.entries.reserve_exact(spare(self.entries.len()));
                }
                self.entries.insert(at, (device.clone(), value));
                None
            }
        }
    }

    pub(super) fn remove(&mut self, device: &DeviceId) {
        if let Ok(at) = self.position(device) {
            self.entries.remove(at);
            self.release_unused();
        }
    }

    /// Keeps the entries for which `is_kept` returns true.
    pub(super) fn retain(&mut self, mut is_kept: impl FnMut(&DeviceId, &mut V) -> bool) {
        self.entries
            .retain_mut(|(device, value)| is_kept(device, value));
        self.release_unused();
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&DeviceId, &V)> {
        self.entries.iter().map(|(device, value)| (device, value))
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.iter().map(|(_, value)| value)
    }

    fn position(&self, device: &DeviceId) -> Result<usize, usize> {
        self.entries
            .binary_search_by(|(other, _)| other.cmp(device))
    }

    /// Gives memory back once half of it is unused, so that entries that come and go copy nothing.
    fn release_unused(&mut self) {
        let len = self.entries.len();
        if len < self.entries.capacity() / 2 {
            self.entries.shrink_to(len + spare(len));
        }
    }
}

/// Returns the places to keep free beside `len` entries.
fn spare(len: usize) -> usize {
    (len / 8).max(1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn device(number: u8) -> DeviceId {
        format!("d{number}").parse().unwrap()
    }

    proptest! {
        /// Insertions, removals and filters, compared with a map of the standard library.
        #[test]
        fn map_holds_what_a_tree_holds(steps in prop::collection::vec((0..4_u8, any::<u8>()), 1..400)) {
            let (mut map, mut tree) = (DeviceMap::default(), BTreeMap::new());
            for (value, (step, number)) in steps.into_iter().enumerate() {
                let device = device(number % 50);
                match step {
                    0 | 1 => prop_assert_eq!(map.insert(&device, value), tree.insert(device, value)),
                    2 => {
                        map.remove(&device);
                        tree.remove(&device);
                    }
                    _ => {
                        let divisor = usize::from(number) + 2;
                        map.retain(|_, value| *value % divisor != 0);
                        tree.retain(|_, value| *value % divisor != 0);
                    }
                }
                prop_assert!(map.iter().eq(&tree));
                prop_assert_eq!((map.len(), map.is_empty()), (tree.len(), tree.is_empty()));
                let unused = map.entries.capacity() - map.len();
                prop_assert!(unused <= map.len() + 2, "{unused} of {}", map.len());
            }
            for (device, value) in &tree {
                prop_assert_eq!(map.get(device), Some(value));
            }
            prop_assert_eq!(map.get(&device(60)), None);
        }
    }
}
