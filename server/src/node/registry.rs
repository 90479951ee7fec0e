//! The sessions of one node, by device.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{id::DeviceId, session::Session};

/// Locks, so that a ramp on every core does not queue up at one.
const SHARDS: usize = 16;

/// Tables of up to this many sessions are left alone.
const MIN_SHRINK_CAPACITY: usize = 64;

type RegistryShard = HashMap<DeviceId, Arc<Session>>;

/// At most one session a device: the newest.
pub(crate) struct SessionRegistry {
    hasher: RandomState,
    shards: [Mutex<RegistryShard>; SHARDS],
}

impl SessionRegistry {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }

    pub(crate) fn get(&self, device: &DeviceId) -> Option<Arc<Session>> {
        self.shard(device).get(device).cloned()
    }

    /// Adds a session and answers the one it takes the place of.
    pub(crate) fn insert(&self, session: &Arc<Session>) -> Option<Arc<Session>> {
        self.shard(&session.device)
            .insert(session.device.clone(), Arc::clone(session))
    }

    /// Removes this very session, or puts `instead` in its place; unless that has
    /// ended meanwhile, when it could not remove itself.
    pub(crate) fn remove(&self, session: &Arc<Session>, replacement: Option<Arc<Session>>) {
        let mut shard = self.shard(&session.device);
        if let Entry::Occupied(mut entry) = shard.entry(session.device.clone())
            && Arc::ptr_eq(entry.get(), session)
        {
            match replacement.filter(|instead| instead.write_queue.close_reason().is_none()) {
                Some(instead) => drop(entry.insert(instead)),
                None => drop(entry.remove()),
            }
        }
        // Memory comes back when many sockets close; never below a small table, so
        // that a few sockets that come and go do not make it grow and shrink.
        if shard.capacity() > MIN_SHRINK_CAPACITY && shard.len() < shard.capacity() / 4 {
            let room = shard.len() * 2;
            shard.shrink_to(room);
        }
    }

    /// Whether this very session is the device's.
    pub(crate) fn is_current(&self, session: &Arc<Session>) -> bool {
        self.shard(&session.device)
            .get(&session.device)
            .is_some_and(|held| Arc::ptr_eq(held, session))
    }

    /// Every session, one shard's lock at a time.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&Arc<Session>)) {
        for shard in &self.shards {
            shard
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .values()
                .for_each(&mut visit);
        }
    }

    fn shard(&self, device: &DeviceId) -> MutexGuard<'_, RegistryShard> {
        let at = self.hasher.hash_one(device) as usize % SHARDS;
        self.shards[at]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
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
    fn an_old_session_cannot_remove_a_new_one() {
        let registry = SessionRegistry::new();
        let (old, new) = (session(), session());
        assert!(registry.insert(&old).is_none());
        assert!(Arc::ptr_eq(&registry.insert(&new).unwrap(), &old));
        registry.remove(&old, None);
        assert!(registry.is_current(&new));
        registry.remove(&new, Some(Arc::clone(&old)));
        assert!(registry.is_current(&old));
    }

    #[test]
    fn a_session_that_ended_does_not_come_back() {
        let registry = SessionRegistry::new();
        let (old, new) = (session(), session());
        registry.insert(&old);
        registry.insert(&new);
        old.write_queue.abort(CloseReason::ConnectionLost);
        registry.remove(&old, None);
        registry.remove(&new, Some(old));
        assert!(registry.get(&new.device).is_none());
    }
}
