//! The sessions of one node that are in no directory partition yet.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::session::Session;

/// Sessions that are registered together.
const BATCH: usize = 64;

/// The sessions of one node that no slot owner knows.
#[derive(Default)]
pub(crate) struct UnregisteredSessions {
    // Weak: a session that ends needs no registration.
    sessions: Mutex<VecDeque<Weak<Session>>>,
    pub(super) added: Notify,
}

impl UnregisteredSessions {
    /// Returns the number of sessions that are open.
    pub(crate) fn len(&self) -> usize {
        let mut sessions = self.sessions.lock();
        sessions.retain(is_open);
        sessions.len()
    }

    /// Adds a session, unless there are `max` already.
    pub(super) fn try_add(&self, session: &Arc<Session>, max: usize) -> bool {
        let mut sessions = self.sessions.lock();
        if sessions.len() >= max {
            sessions.retain(is_open);
        }
        let has_room = sessions.len() < max;
        if has_room {
            sessions.push_back(Arc::downgrade(session));
            self.added.notify_one();
        }
        has_room
    }

    /// Takes the newest sessions: their devices are the likeliest to be still there.
    pub(super) fn take_batch(&self) -> Vec<Arc<Session>> {
        let mut sessions = self.sessions.lock();
        let newest = std::iter::from_fn(|| sessions.pop_back());
        let open = newest.filter_map(|session| session.upgrade());
        open.filter(|session| session.is_open())
            .take(BATCH)
            .collect()
    }

    pub(super) fn put_back(&self, session: &Arc<Session>) {
        self.sessions.lock().push_front(Arc::downgrade(session));
    }
}

fn is_open(session: &Weak<Session>) -> bool {
    session.upgrade().is_some_and(|session| session.is_open())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::ws::close::CloseReason;

    fn session(name: &str) -> Arc<Session> {
        Arc::new(Session::new(name.parse().unwrap(), 1))
    }

    #[test]
    fn number_is_bounded_and_ended_sessions_give_room() {
        let unregistered = UnregisteredSessions::default();
        let [a, b, c] = ["a", "b", "c"].map(session);
        assert!(unregistered.try_add(&a, 2) && unregistered.try_add(&b, 2));
        assert!(!unregistered.try_add(&c, 2));
        a.write_queue.abort(CloseReason::ConnectionLost);
        assert!(unregistered.try_add(&c, 2));
        assert_eq!(unregistered.len(), 2);
        let names: Vec<String> = unregistered
            .take_batch()
            .iter()
            .map(|session| session.device.to_string())
            .collect();
        assert_eq!(names, ["c", "b"], "the newest first");
    }
}
