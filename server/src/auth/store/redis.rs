//! Session data in Redis: the same for every node that names the same one.
//!
//! A key for each session, `highwater:session:ID`, with an expiry, so that Redis
//! forgets by itself. How many there may be is Redis's own `maxmemory`.

use std::time::Duration;

use ::redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisError, aio::MultiplexedConnection,
};
use tokio::sync::Mutex;

use super::{Answer, SessionStore, StoreError};
use crate::auth::SessionId;

/// For an answer, and for a new connection.
const WITHIN: Duration = Duration::from_secs(2);

/// One connection, which carries all requests at once and is made anew when it
/// breaks.
pub(super) struct Redis {
    client: Client,
    connection: Mutex<Option<MultiplexedConnection>>,
}

impl Redis {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            connection: Mutex::new(None),
        }
    }

    /// Asks once more on a new connection when the old one turns out to be broken:
    /// every command here may be done twice.
    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let mut connection = self.connection().await?;
        let answered = match command.query_async(&mut connection).await {
            Err(error) if error.is_unrecoverable_error() => {
                self.connection.lock().await.take();
                let mut connection = self.connection().await?;
                command.query_async(&mut connection).await
            }
            answered => answered,
        };
        answered.map_err(away)
    }

    async fn connection(&self) -> Result<MultiplexedConnection, StoreError> {
        let mut connection = self.connection.lock().await;
        if let Some(connection) = &*connection {
            return Ok(connection.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(WITHIN))
            .set_response_timeout(Some(WITHIN));
        let made = self
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(away)?;
        Ok(connection.insert(made).clone())
    }
}

impl SessionStore for Redis {
    fn create(&self, id: SessionId, text: String, lifetime: Duration) -> Answer<'_, ()> {
        let mut set = ::redis::cmd("SET");
        set.arg(key(&id)).arg(text);
        set.arg("EX").arg(lifetime.as_secs().max(1));
        Box::pin(async move { self.ask(&set).await })
    }

    fn load(&self, id: SessionId) -> Answer<'_, Option<String>> {
        let mut get = ::redis::cmd("GET");
        get.arg(key(&id));
        Box::pin(async move { self.ask(&get).await })
    }

    fn replace(&self, id: SessionId, text: String) -> Answer<'_, bool> {
        let mut set = ::redis::cmd("SET");
        set.arg(key(&id)).arg(text).arg("XX").arg("KEEPTTL");
        Box::pin(async move {
            let done: Option<String> = self.ask(&set).await?;
            Ok(done.is_some())
        })
    }
}

fn key(id: &SessionId) -> String {
    format!("highwater:session:{}", id.as_str())
}

fn away(error: RedisError) -> StoreError {
    StoreError::Away(error.to_string())
}
