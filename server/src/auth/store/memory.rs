//! Session data in this process. It is lost with the process, and other nodes do not see it.

use std::{collections::HashMap, future::ready, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::{SessionStore, StoreError, StoreFuture};
use crate::auth::SessionId;

/// The most sessions in the store.
const MAX_SESSIONS: usize = 100_000;
/// The most bytes of their data.
const MAX_BYTES: usize = 256 * 1024 * 1024;
/// The smallest number of sessions at which expired ones are removed.
const MIN_SWEEP_LEN: usize = 1024;

/// A map that removes expired sessions whenever it has doubled since the last time. So the cost
/// of a sweep is spread over the sessions that were added since.
pub(super) struct MemorySessionStore {
    max_sessions: usize,
    max_bytes: usize,
    state: Mutex<StoredSessions>,
}

struct StoredSessions {
    sessions: HashMap<SessionId, StoredSession>,
    /// Bytes of the data of all sessions, expired ones included.
    bytes: usize,
    /// The number of sessions at which the next sweep runs.
    sweep_at: usize,
}

struct StoredSession {
    text: String,
    expires_at: Instant,
}

impl Default for MemorySessionStore {
    fn default() -> Self {
        Self {
            max_sessions: MAX_SESSIONS,
            max_bytes: MAX_BYTES,
            state: Mutex::new(StoredSessions {
                sessions: HashMap::new(),
                bytes: 0,
                sweep_at: MIN_SWEEP_LEN,
            }),
        }
    }
}

impl SessionStore for MemorySessionStore {
    fn create(&self, id: SessionId, text: String, lifetime: Duration) -> StoreFuture<'_, ()> {
        let now = Instant::now();
        let mut state = self.state.lock();
        let has_room = |state: &StoredSessions| state.bytes + text.len() <= self.max_bytes;
        if state.sessions.len() >= state.sweep_at.min(self.max_sessions) || !has_room(&state) {
            state.sweep(now);
        }
        if state.sessions.len() >= self.max_sessions || !has_room(&state) {
            return Box::pin(ready(Err(StoreError::Full)));
        }
        state.bytes += text.len();
        let expires_at = now + lifetime;
        let session = StoredSession { text, expires_at };
        state.sessions.insert(id, session);
        Box::pin(ready(Ok(())))
    }

    fn load(&self, id: SessionId) -> StoreFuture<'_, Option<String>> {
        let mut state = self.state.lock();
        let text = state.live(&id).map(|session| session.text.clone());
        Box::pin(ready(Ok(text)))
    }

    fn replace(&self, id: SessionId, text: String) -> StoreFuture<'_, bool> {
        let mut state = self.state.lock();
        let before = state.bytes;
        let Some(session) = state.live(&id) else {
            return Box::pin(ready(Ok(false)));
        };
        let bytes = before - session.text.len() + text.len();
        // Shorter data is stored even over the limit: it makes room.
        if bytes > self.max_bytes.max(before) {
            return Box::pin(ready(Err(StoreError::Full)));
        }
        session.text = text;
        state.bytes = bytes;
        Box::pin(ready(Ok(true)))
    }
}

impl StoredSessions {
    /// Returns a session that has not expired. The sweep removes expired ones later.
    fn live(&mut self, id: &SessionId) -> Option<&mut StoredSession> {
        let session = self.sessions.get_mut(id)?;
        (session.expires_at > Instant::now()).then_some(session)
    }

    fn sweep(&mut self, now: Instant) {
        self.sessions.retain(|_, entry| entry.expires_at > now);
        self.bytes = self.sessions.values().map(|entry| entry.text.len()).sum();
        self.sweep_at = (self.sessions.len() * 2).max(MIN_SWEEP_LEN);
        self.sessions.shrink_to(self.sweep_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    async fn create(store: &MemorySessionStore, text: &str) -> Result<SessionId, StoreError> {
        let id = SessionId::random();
        store.create(id.clone(), text.into(), MINUTE).await?;
        Ok(id)
    }

    #[tokio::test(start_paused = true)]
    async fn session_is_stored_for_its_lifetime() {
        let store = MemorySessionStore::default();
        let id = create(&store, "1").await.unwrap();
        assert!(store.replace(id.clone(), "2".into()).await.unwrap());
        assert_eq!(store.load(id.clone()).await.unwrap().as_deref(), Some("2"));
        tokio::time::advance(MINUTE).await;
        assert_eq!(store.load(id.clone()).await.unwrap(), None);
        assert!(!store.replace(id, "3".into()).await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn full_store_accepts_sessions_once_others_expire() {
        for (max_sessions, max_bytes) in [(2, MAX_BYTES), (MAX_SESSIONS, 10)] {
            let store = MemorySessionStore {
                max_sessions,
                max_bytes,
                ..MemorySessionStore::default()
            };
            create(&store, "12345").await.unwrap();
            create(&store, "12345").await.unwrap();
            assert!(matches!(create(&store, "1").await, Err(StoreError::Full)));
            tokio::time::advance(MINUTE).await;
            create(&store, "1").await.unwrap();
            let state = store.state.lock();
            assert_eq!((state.sessions.len(), state.bytes), (1, 1));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn replaced_data_counts_against_the_bytes() {
        let store = MemorySessionStore {
            max_bytes: 10,
            ..MemorySessionStore::default()
        };
        let id = create(&store, "12345").await.unwrap();
        create(&store, "12345").await.unwrap();
        let replace = |text: &str| store.replace(id.clone(), text.into());
        assert!(matches!(replace("123456").await, Err(StoreError::Full)));
        assert!(replace("1234").await.unwrap());
        assert!(replace("54321").await.unwrap());
    }
}
