//! The sessions of one node, by device.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use parking_lot::{Mutex, MutexGuard};

use super::Session;
use crate::{
    id::DeviceId,
    message::{Epoch, SLOTS, slot_of},
};

/// The number of shards of the registry, each with its own lock. With a single lock, all
/// cores would wait for it while many sockets open. A shard holds the same slots of the
/// owner directory on every node, so that the sessions of one slot are found in one shard.
const SHARDS: usize = 256;

/// A shard whose capacity is at most this many sessions never shrinks.
const MIN_SHRINK_CAPACITY: usize = 16;

type RegistryShard = HashMap<DeviceId, Arc<Session>>;

/// A table with the newest session of each device on this node.
pub(crate) struct SessionRegistry {
    shards: Box<[Mutex<RegistryShard>]>,
}

impl Default for SessionRegistry {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }
}

impl SessionRegistry {
    /// Returns the newest session of a device.
    pub(crate) fn get(&self, device: &DeviceId) -> Option<Arc<Session>> {
        self.shard(device).get(device).cloned()
    }

    /// Returns the session of a device unless it is closing. The device may have connected to
    /// another node, so a closing session answers for no device.
    pub(crate) fn get_open(&self, device: &DeviceId) -> Option<Arc<Session>> {
        self.get(device).filter(|session| session.is_open())
    }

    /// Adds a session and returns the one that it replaces.
    pub(crate) fn insert(&self, session: &Arc<Session>) -> Option<Arc<Session>> {
        self.shard(&session.device)
            .insert(session.device.clone(), Arc::clone(session))
    }

    /// Removes this session, or puts `replacement` in its place. A replacement that is
    /// closing is not put back: it has removed itself already, and nothing would remove it
    /// again.
    pub(crate) fn remove(&self, session: &Arc<Session>, replacement: Option<Arc<Session>>) {
        let mut shard = self.shard(&session.device);
        if let Entry::Occupied(mut entry) = shard.entry(session.device.clone())
            // A newer session of the device may have replaced this one.
            && Arc::ptr_eq(entry.get(), session)
        {
            match replacement.filter(|session| session.write_queue.close_reason().is_none()) {
                Some(replacement) => entry.insert(replacement),
                None => entry.remove(),
            };
        }
        // Shrinking returns memory after many sockets have closed. A small shard keeps its
        // capacity: otherwise a few sockets would make it grow and shrink again and again.
        if shard.capacity() > MIN_SHRINK_CAPACITY && shard.len() < shard.capacity() / 4 {
            let capacity = shard.len() * 2;
            shard.shrink_to(capacity);
        }
    }

    /// Whether this session is the device's newest.
    pub(crate) fn is_current(&self, session: &Arc<Session>) -> bool {
        let current = self.get(&session.device);
        current.is_some_and(|current| Arc::ptr_eq(&current, session))
    }

    /// Closes the session of a device if its epoch is at most `epoch`, because the owner
    /// directory has a newer session of the device.
    pub(crate) fn mark_superseded(&self, device: &DeviceId, epoch: Epoch) {
        if let Some(session) = self.get(device) {
            session.mark_superseded(epoch);
        }
    }

    /// Calls `visit` for every session. It holds the lock of one shard at a time, so `visit`
    /// must not use the registry.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&Arc<Session>)) {
        for shard in &self.shards {
            shard.lock().values().for_each(&mut visit);
        }
    }

    /// Returns the connections of one slot that the owner directory has accepted and that
    /// are open, in any order.
    pub(crate) fn registered_in_slot(&self, slot: u16) -> Vec<(DeviceId, Epoch)> {
        let shard = self.shard_of(slot).lock();
        let in_slot = shard.iter().filter(|(device, _)| slot_of(device) == slot);
        in_slot
            .filter(|(_, session)| session.is_open())
            .filter_map(|(device, session)| Some((device.clone(), session.epoch()?)))
            .collect()
    }

    fn shard(&self, device: &DeviceId) -> MutexGuard<'_, RegistryShard> {
        self.shard_of(slot_of(device)).lock()
    }

    fn shard_of(&self, slot: u16) -> &Mutex<RegistryShard> {
        // Below the number of shards also for a slot that does not exist.
        &self.shards[usize::from(slot) % SLOTS / (SLOTS / SHARDS)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::ws::close::CloseReason;

    fn session() -> Arc<Session> {
        Arc::new(Session::new("d".parse().unwrap(), 1))
    }

    #[test]
    fn older_session_does_not_remove_newer_one() {
        let registry = SessionRegistry::default();
        let (old, new) = (session(), session());
        assert!(registry.insert(&old).is_none());
        assert!(Arc::ptr_eq(&registry.insert(&new).unwrap(), &old));
        registry.remove(&old, None);
        assert!(registry.is_current(&new));
        registry.remove(&new, Some(Arc::clone(&old)));
        assert!(registry.is_current(&old));
    }

    #[test]
    fn closed_session_is_not_put_back() {
        let registry = SessionRegistry::default();
        let (old, new) = (session(), session());
        registry.insert(&old);
        registry.insert(&new);
        old.write_queue.abort(CloseReason::ConnectionLost);
        registry.remove(&old, None);
        registry.remove(&new, Some(old));
        assert!(registry.get(&new.device).is_none());
    }
}
