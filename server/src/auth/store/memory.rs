//! Session data in this process: gone with it, and unknown to other nodes.

use std::{
    collections::HashMap,
    future::ready,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{Answer, SessionStore, StoreError};
use crate::auth::SessionId;

/// Sessions that are held at most. With the data's own limit this bounds the
/// memory.
const MOST: usize = 100_000;
/// Below this many, those that are over are left where they are.
const SMALL: usize = 1024;

/// A map, swept whenever it has doubled since it was last swept.
pub(super) struct Memory {
    most: usize,
    held: Mutex<Held>,
}

struct Held {
    sessions: HashMap<SessionId, Entry>,
    /// Sweep at this many.
    sweep_at: usize,
}

struct Entry {
    text: String,
    ends: Instant,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            most: MOST,
            held: Mutex::new(Held {
                sessions: HashMap::new(),
                sweep_at: SMALL,
            }),
        }
    }
}

impl SessionStore for Memory {
    fn create(&self, id: SessionId, text: String, lifetime: Duration) -> Answer<'_, ()> {
        let now = Instant::now();
        let mut held = self.lock();
        if held.sessions.len() >= held.sweep_at.min(self.most) {
            held.sweep(now);
        }
        let full = held.sessions.len() >= self.most;
        if !full {
            let ends = now + lifetime;
            held.sessions.insert(id, Entry { text, ends });
        }
        Box::pin(ready(if full { Err(StoreError::Full) } else { Ok(()) }))
    }

    fn load(&self, id: SessionId) -> Answer<'_, Option<String>> {
        let mut held = self.lock();
        let text = held.current(&id).map(|entry| entry.text.clone());
        Box::pin(ready(Ok(text)))
    }

    fn replace(&self, id: SessionId, text: String) -> Answer<'_, bool> {
        let mut held = self.lock();
        let entry = held.current(&id);
        let found = entry.is_some();
        if let Some(entry) = entry {
            entry.text = text;
        }
        Box::pin(ready(Ok(found)))
    }
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn current(&mut self, id: &SessionId) -> Option<&mut Entry> {
        let entry = self.sessions.get_mut(id)?;
        (entry.ends > Instant::now()).then_some(entry)
    }

    fn sweep(&mut self, now: Instant) {
        self.sessions.retain(|_, entry| entry.ends > now);
        self.sweep_at = (self.sessions.len() * 2).max(SMALL);
        let room = self.sweep_at;
        self.sessions.shrink_to(room);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn small(most: usize) -> Memory {
        Memory {
            most,
            ..Memory::default()
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
