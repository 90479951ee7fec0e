//! Session data in Redis: the same for every node that names the same one.
//!
//! A key for each session, `highwater:session:ID`, with an expiry, so that Redis
//! forgets by itself. How many there may be is Redis's own `maxmemory`.

use std::time::Duration;

use ::redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisError, RedisResult,
    aio::MultiplexedConnection,
};
use tokio::{sync::Mutex, time::timeout};

use super::{SessionStore, StoreError, StoreFuture};
use crate::auth::SessionId;

/// Time limit of one operation and of a new connection.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(2);
/// Time limit of all attempts: callers that need a new connection wait in line.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);

/// One connection, which carries all requests at once and is made anew when it
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
        match timeout(TOTAL_TIMEOUT, self.query_with_retry(command)).await {
            Ok(answered) => answered.map_err(unavailable),
            Err(_) => Err(StoreError::Unavailable(format!(
                "no answer after {TOTAL_TIMEOUT:?}"
            ))),
        }
    }

    /// Asks once more on a new connection when the old one turns out to be broken:
    /// every command here may be done twice.
    async fn query_with_retry<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let (mut connection, generation) = self.connection(None).await?;
        match command.query_async(&mut connection).await {
            Err(error) if error.is_unrecoverable_error() => {
                let (mut connection, _) = self.connection(Some(generation)).await?;
                command.query_async(&mut connection).await
            }
            answered => answered,
        }
    }

    /// Returns the connection and its number. A new connection replaces the `broken` one.
    async fn connection(&self, broken: Option<u64>) -> RedisResult<(MultiplexedConnection, u64)> {
        let mut cached = self.cached.lock().await;
        let usable = cached
            .connection
            .clone()
            .filter(|_| broken != Some(cached.generation));
        if let Some(connection) = usable {
            return Ok((connection, cached.generation));
        }
        cached.connection = None;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(OPERATION_TIMEOUT))
            .set_response_timeout(Some(OPERATION_TIMEOUT));
        let made = self
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        cached.generation += 1;
        let connection = cached.connection.insert(made).clone();
        Ok((connection, cached.generation))
    }
}

impl SessionStore for RedisSessionStore {
    fn create(&self, id: SessionId, text: String, lifetime: Duration) -> StoreFuture<'_, ()> {
        let mut set = ::redis::cmd("SET");
        set.arg(key(&id)).arg(text);
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

fn unavailable(error: RedisError) -> StoreError {
    StoreError::Unavailable(error.to_string())
}
