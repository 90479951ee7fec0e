//! Session data in Redis, which all nodes with the same Redis share.
//!
//! Each session has a key `highwater:session:ID` with an expiry, so that Redis removes it.
//! Redis's own `maxmemory` bounds the number of sessions.

use std::time::Duration;

use ::redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisResult, aio::MultiplexedConnection,
};
use tokio::{sync::Mutex, time::timeout};

use super::{SessionStore, StoreError, StoreFuture};
use crate::auth::SessionId;

/// Time limit of one operation and of a new connection.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(2);
/// Time limit of all attempts: callers that need a new connection wait in line.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);

/// One connection, which carries all requests at once. A new one replaces it when it
/// breaks.
pub(super) struct RedisSessionStore {
    client: Client,
    cached: Mutex<CachedConnection>,
}

#[derive(Default)]
struct CachedConnection {
    connection: Option<MultiplexedConnection>,
    /// Number of the connection. A caller that saw one break must not close its successor.
    generation: u64,
}

impl RedisSessionStore {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            cached: Mutex::default(),
        }
    }

    async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let reason = match timeout(TOTAL_TIMEOUT, self.query_with_retry(command)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer after {TOTAL_TIMEOUT:?}"),
        };
        Err(StoreError::Unavailable(reason))
    }

    /// Sends the command once more on a new connection if the old one is broken. Every
    /// command of this store may run twice.
    async fn query_with_retry<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let (mut connection, generation) = self.connection(None).await?;
        match command.query_async(&mut connection).await {
            Err(error) if error.is_unrecoverable_error() => {
                let (mut connection, _) = self.connection(Some(generation)).await?;
                command.query_async(&mut connection).await
            }
            answer => answer,
        }
    }

    /// Returns the connection and its number. A new connection replaces the `broken` one.
    async fn connection(&self, broken: Option<u64>) -> RedisResult<(MultiplexedConnection, u64)> {
        let mut cached = self.cached.lock().await;
        if broken != Some(cached.generation)
            && let Some(connection) = &cached.connection
        {
            return Ok((connection.clone(), cached.generation));
        }
        // Before the attempt: the next caller must not get the broken one if this attempt fails.
        cached.connection = None;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(OPERATION_TIMEOUT))
            .set_response_timeout(Some(OPERATION_TIMEOUT));
        let client = &self.client;
        let connection = client.get_multiplexed_async_connection_with_config(&config);
        let connection = connection.await?;
        cached.generation += 1;
        cached.connection = Some(connection.clone());
        Ok((connection, cached.generation))
    }
}

impl SessionStore for RedisSessionStore {
    fn create(&self, id: SessionId, text: String, lifetime: Duration) -> StoreFuture<'_, ()> {
        let mut set = ::redis::cmd("SET");
        set.arg(key(&id)).arg(text);
        // Redis rejects an expiry of 0.
        set.arg("EX").arg(lifetime.as_secs().max(1));
        Box::pin(async move { self.query(&set).await })
    }

    fn load(&self, id: SessionId) -> StoreFuture<'_, Option<String>> {
        let mut get = ::redis::cmd("GET");
        get.arg(key(&id));
        Box::pin(async move { self.query(&get).await })
    }

    fn replace(&self, id: SessionId, text: String) -> StoreFuture<'_, bool> {
        let mut set = ::redis::cmd("SET");
        // Only over a session that exists, whose expiry stays.
        set.arg(key(&id)).arg(text).arg("XX").arg("KEEPTTL");
        Box::pin(async move {
            let done: Option<String> = self.query(&set).await?;
            Ok(done.is_some())
        })
    }
}

fn key(id: &SessionId) -> String {
    format!("highwater:session:{}", id.as_str())
}
