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

use super::{Answer, SessionStore, StoreError};
use crate::auth::SessionId;

/// For an answer, and for a new connection.
const WITHIN: Duration = Duration::from_secs(2);
/// For all of it: those who wait for a new connection wait in line.
const ALTOGETHER: Duration = Duration::from_secs(5);

/// One connection, which carries all requests at once and is made anew when it
/// breaks.
pub(super) struct Redis {
    client: Client,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    connection: Option<MultiplexedConnection>,
    /// How many there were before: who saw one break must not throw away the next.
    number: u64,
}

impl Redis {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            kept: Mutex::default(),
        }
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        match timeout(ALTOGETHER, self.ask_twice(command)).await {
            Ok(answered) => answered.map_err(away),
            Err(_) => Err(StoreError::Away(format!("no answer after {ALTOGETHER:?}"))),
        }
    }

    /// Asks once more on a new connection when the old one turns out to be broken:
    /// every command here may be done twice.
    async fn ask_twice<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let (mut connection, number) = self.connection(None).await?;
        match command.query_async(&mut connection).await {
            Err(error) if error.is_unrecoverable_error() => {
                let (mut connection, _) = self.connection(Some(number)).await?;
                command.query_async(&mut connection).await
            }
            answered => answered,
        }
    }

    /// The connection and its number; a new one if there is none but the `broken` one.
    async fn connection(&self, broken: Option<u64>) -> RedisResult<(MultiplexedConnection, u64)> {
        let mut kept = self.kept.lock().await;
        let usable = kept
            .connection
            .clone()
            .filter(|_| broken != Some(kept.number));
        if let Some(connection) = usable {
            return Ok((connection, kept.number));
        }
        kept.connection = None;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(WITHIN))
            .set_response_timeout(Some(WITHIN));
        let made = self
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        kept.number += 1;
        let connection = kept.connection.insert(made).clone();
        Ok((connection, kept.number))
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
