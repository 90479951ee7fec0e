//! Stores of session data. A user who returns finds the data on the same node ([`memory`]) or
//! on any node ([`redis`]).

mod memory;
#[cfg(feature = "redis")]
mod redis;
mod url;

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

pub use self::url::{InvalidStoreUrl, StoreUrl};
use super::SessionId;

/// A store of the JSON text of a session's data, by the session's id. The token holds the
/// user and the end of the session.
///
/// Writes run one after the other, and the last one stays. Every node that shares the store
/// reads a confirmed write, unless the store lost it: the memory of a node that ends, a
/// Redis that restarts without persistence.
pub(crate) trait SessionStore: Send + Sync {
    /// Stores a new session.
    fn create(&self, id: SessionId, text: String, lifetime: Duration) -> StoreFuture<'_, ()>;

    /// Returns a session's data; `None` if the session does not exist any more.
    fn load(&self, id: SessionId) -> StoreFuture<'_, Option<String>>;

    /// Replaces the data of a session. Returns whether the session exists. Its lifetime stays
    /// as it was.
    fn replace(&self, id: SessionId, text: String) -> StoreFuture<'_, bool>;
}

/// The future of a store's result.
pub(crate) type StoreFuture<'a, T> =
    Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The reason why an operation of a store failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The store has reached its limit of sessions or bytes.
    #[error("the session store is full")]
    Full,
    /// The store cannot be reached, or rejects. Only the operator's log gets the reason.
    #[error("the session store does not answer")]
    Unavailable(String),
}

/// Returns the store of this URL. It connects when it is first used.
pub(crate) fn open(url: &StoreUrl) -> Arc<dyn SessionStore> {
    match url {
        StoreUrl::Memory => Arc::new(memory::MemorySessionStore::default()),
        #[cfg(feature = "redis")]
        StoreUrl::Redis(url) => Arc::new(redis::RedisSessionStore::new(url.clone())),
    }
}
