//! Session data in this process: gone with it, and unknown to other nodes.

use std::{collections::HashMap, future::ready, time::Duration};

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::{SessionStore, StoreError, StoreFuture};
use crate::auth::SessionId;

/// Sessions that are held at most.
const MAX_SESSIONS: usize = 100_000;
/// Bytes of their data.
const MAX_BYTES: usize = 256 * 1024 * 1024;
/// Below this many, those that are over are left where they are.
const MIN_SWEEP_LEN: usize = 1024;

/// A map, swept whenever it has doubled since it was last swept.
pub(super) struct MemorySessionStore {
    max_sessions: usize,
    max_bytes: usize,
    state: Mutex<StoredSessions>,
}

struct StoredSessions {
    sessions: HashMap<SessionId, StoredSession>,
    /// Bytes of the data of all sessions, expired ones included.
    bytes: usize,
    /// Sweep at this many.
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
        let mut held = self.lock();
        let room = |held: &StoredSessions| held.bytes + text.len() <= self.max_bytes;
        if held.sessions.len() >= held.sweep_at.min(self.max_sessions) || !room(&held) {
            held.sweep(now);
        }
        if held.sessions.len() >= self.max_sessions || !room(&held) {
            return Box::pin(ready(Err(StoreError::Full)));
        }
        held.bytes += text.len();
        let ends = now + lifetime;
        held.sessions.insert(
            id,
            StoredSession {
                text,
                expires_at: ends,
            },
        );
        Box::pin(ready(Ok(())))
    }

    fn load(&self, id: SessionId) -> StoreFuture<'_, Option<String>> {
        let text = self.lock().load(&id);
        Box::pin(ready(Ok(text)))
    }

    fn replace(&self, id: SessionId, text: String) -> StoreFuture<'_, bool> {
        let replaced = self.lock().replace(&id, text, self.max_bytes);
        Box::pin(ready(replaced))
    }
}

impl MemorySessionStore {
    fn lock(&self) -> MutexGuard<'_, StoredSessions> {
        self.state.lock()
    }
}

impl StoredSession {
    fn is_live(&self) -> bool {
        self.expires_at > Instant::now()
    }
}

impl StoredSessions {
    fn load(&self, id: &SessionId) -> Option<String> {
        let entry = self.sessions.get(id).filter(|entry| entry.is_live())?;
        Some(entry.text.clone())
    }

    fn replace(
        &mut self,
        id: &SessionId,
        text: String,
        max_bytes: usize,
    ) -> Result<bool, StoreError> {
        let entry = self.sessions.get_mut(id).filter(|entry| entry.is_live());
        let Some(entry) = entry else {
            return Ok(false);
        };
        let bytes = self.bytes - entry.text.len() + text.len();
        if bytes > max_bytes.max(self.bytes) {
            return Err(StoreError::Full);
        }
        self.bytes = bytes;
        entry.text = text;
        Ok(true)
    }

    fn sweep(&mut self, now: Instant) {
        self.sessions.retain(|_, entry| entry.expires_at > now);
        self.bytes = self.sessions.values().map(|entry| entry.text.len()).sum();
        self.sweep_at = (self.sessions.len() * 2).max(MIN_SWEEP_LEN);
        let room = self.sweep_at;
        self.sessions.shrink_to(room);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn small(max_sessions: usize) -> MemorySessionStore {
        MemorySessionStore {
            max_sessions,
            ..MemorySessionStore::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_lasts_its_lifetime_and_no_longer() {
        let (memory, id) = (small(10), SessionId::random());
        memory.create(id.clone(), "1".into(), MINUTE).await.unwrap();
        assert!(memory.replace(id.clone(), "2".into()).await.unwrap());
        assert_eq!(memory.load(id.clone()).await.unwrap().as_deref(), Some("2"));
        tokio::time::advance(MINUTE).await;
        assert_eq!(memory.load(id.clone()).await.unwrap(), None);
        assert!(!memory.replace(id, "3".into()).await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn it_holds_so_many_bytes_and_makes_room_for_new_ones() {
        let memory = MemorySessionStore {
            max_bytes: 10,
            ..MemorySessionStore::default()
        };
        let ids = [SessionId::random(), SessionId::random()];
        for id in &ids {
            memory
                .create(id.clone(), "12345".into(), MINUTE)
                .await
                .unwrap();
        }
        let replace = |text: &str| memory.replace(ids[0].clone(), text.into());
        assert!(matches!(replace("123456").await, Err(StoreError::Full)));
        assert!(replace("1234").await.unwrap());
        assert!(replace("54321").await.unwrap());
        let one_more = || memory.create(SessionId::random(), "1".into(), MINUTE);
        assert!(matches!(one_more().await, Err(StoreError::Full)));
        tokio::time::advance(MINUTE).await;
        one_more().await.unwrap();
        assert_eq!(memory.lock().bytes, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn it_holds_so_many_and_makes_room_for_new_ones() {
        let memory = small(3);
        for _ in 0..3 {
            memory
                .create(SessionId::random(), "0".into(), MINUTE)
                .await
                .unwrap();
        }
        let one_more = || memory.create(SessionId::random(), "0".into(), MINUTE);
        assert!(matches!(one_more().await, Err(StoreError::Full)));
        tokio::time::advance(MINUTE).await;
        one_more().await.unwrap();
        assert_eq!(memory.lock().sessions.len(), 1);
    }
}
