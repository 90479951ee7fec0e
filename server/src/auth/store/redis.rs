//! Session data in Redis or a Redis Cluster, which all nodes with the same Redis share.
//!
//! Each session has a key `highwater:session:ID` with an expiry, so that Redis removes it.
//! Redis's own `maxmemory` bounds the number of sessions.

use std::time::Duration;

use ::redis::{Cmd, FromRedisValue, RedisError, RedisResult};
use highwater_types::BrokerUrl;
use tokio::{sync::Mutex, time::timeout};

use super::{SessionStore, StoreError, StoreFuture};
use crate::{
    auth::SessionId, backplane::redis::CommandConnection, net::broker_servers::BrokerServers,
};

/// Time limit of one operation.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(2);
/// Time limit of all attempts: callers that need a new connection wait in line.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);

/// One connection, which carries all requests at once. A new one replaces it when it
/// breaks, or when another server has taken over.
pub(super) struct RedisSessionStore {
    servers: BrokerServers,
    cached: Mutex<CachedConnection>,
}

#[derive(Default)]
struct CachedConnection {
    connection: Option<CommandConnection>,
    /// Number of the connection. A caller that saw one break must not close its successor.
    generation: u64,
}

impl RedisSessionStore {
    pub(super) fn new(url: BrokerUrl) -> Self {
        Self {
            servers: BrokerServers::new(url),
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

    /// Sends the command once more on a new connection if the old one is of no use. Every
    /// command of this store may run twice.
    async fn query_with_retry<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let (mut connection, generation) = self.connection(None).await?;
        match command.query_async(&mut connection).await {
            Err(error) if needs_new_connection(&error) => {
                let (mut connection, _) = self.connection(Some(generation)).await?;
                command.query_async(&mut connection).await
            }
            answer => answer,
        }
    }

    /// Returns the connection and its number. A new connection replaces the `broken` one.
    async fn connection(&self, broken: Option<u64>) -> RedisResult<(CommandConnection, u64)> {
        let mut cached = self.cached.lock().await;
        if broken != Some(cached.generation)
            && let Some(connection) = &cached.connection
        {
            return Ok((connection.clone(), cached.generation));
        }
        // Before the attempt: the next caller must not get the broken one if this attempt fails.
        cached.connection = None;
        let connection = CommandConnection::connect(&self.servers, OPERATION_TIMEOUT).await?;
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

/// Whether another connection may succeed: this one is broken or hangs, or another server
/// has the key now.
fn needs_new_connection(error: &RedisError) -> bool {
    error.is_unrecoverable_error()
        || error.is_timeout()
        || error.is_cluster_error()
        || error.code() == Some("READONLY")
}

fn key(id: &SessionId) -> String {
    format!("highwater:session:{}", id.as_str())
}
