//! Stores of session data. A user who returns finds the data on the same node ([`memory`]) or
//! on any node ([`redis`]).

mod memory;
#[cfg(feature = "redis")]
mod redis;
mod url;

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

pub use self::url::{InvalidStoreUrl, StoreUrl};
use super::SessionId;

/// The JSON text of a session's data, by the session's id, until its lifetime is
/// over. Who the user is, and until when, stands in the token.
///
/// Writes are taken one after the other; the last one stays. What was confirmed is
/// read by every node that shares the store, unless the store lost it: the memory
/// of a node that ends, a Redis that restarts without persistence.
pub(crate) trait SessionStore: Send + Sync {
    /// Keeps a new session.
    fn create(&self, id: SessionId, text: String, lifetime: Duration) -> StoreFuture<'_, ()>;

    /// A session's data; `None` where there is no such session any more.
    fn load(&self, id: SessionId) -> StoreFuture<'_, Option<String>>;

    /// Puts `text` in place of the data of before; whether there was a session. Its
    /// lifetime stays as it was.
    fn replace(&self, id: SessionId, text: String) -> StoreFuture<'_, bool>;
}

/// The future of a store's result.
pub(crate) type StoreFuture<'a, T> =
    Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The reason why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The store has reached its limit of sessions or bytes.
    #[error("the session store is full")]
    Full,
    /// The store cannot be reached, or refuses. Only the operator's log gets the reason.
    #[error("the session store does not answer")]
    Unavailable(String),
}

/// The store of this URL. It connects when it is first used.
pub(crate) fn open(url: &StoreUrl) -> Arc<dyn SessionStore> {
    match url {
        StoreUrl::Memory => Arc::new(memory::MemorySessionStore::default()),
        #[cfg(feature = "redis")]
        StoreUrl::Redis(client) => Arc::new(redis::RedisSessionStore::new(client.clone())),
    }
}
