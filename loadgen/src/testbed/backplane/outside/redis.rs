//! Redis: `PING`, and the keys and channels of a cluster.

use std::time::Duration;

use highwater_scenarios::BrokerUrl;
use redis::{AsyncIter, Client, RedisError, aio::MultiplexedConnection};

use tokio::time::sleep;

use crate::causes::in_full;

/// How often it is looked for listeners, and the pause between two looks.
const LOOKS: u32 = 10;
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub(super) async fn connect(url: &BrokerUrl) -> Result<(), String> {
    let ping = async {
        let mut connection = open(url).await?;
        redis::cmd("PING").exec_async(&mut connection).await
    };
    ping.await.map_err(|error: RedisError| in_full(&error))
}

/// Removes what the cluster kept, its roster above all. Answers with what a node
/// that has ended would not have left: channels that somebody listens to.
pub(super) async fn tidy(url: &BrokerUrl, cluster: &str) -> Result<Vec<String>, String> {
    let pattern = format!("highwater:{cluster}:*");
    let tidied = async {
        let mut connection = open(url).await?;
        let heard = heard(&mut connection, &pattern).await?;
        for key in keys(&mut connection, &pattern).await? {
            redis::cmd("DEL")
                .arg(key)
                .exec_async(&mut connection)
                .await?;
        }
        Ok(heard)
    };
    let heard = tidied.await.map_err(|error: RedisError| in_full(&error))?;
    let told = heard
        .into_iter()
        .map(|channel| format!("a listener to {channel}"));
    Ok(told.collect())
}

async fn open(url: &BrokerUrl) -> Result<MultiplexedConnection, RedisError> {
    Client::open(url.in_full())?
        .get_multiplexed_async_connection()
        .await
}

/// Channels that somebody listens to still. The server takes a moment to see that
/// a process has ended.
async fn heard(
    connection: &mut MultiplexedConnection,
    pattern: &str,
) -> Result<Vec<String>, RedisError> {
    let mut looks = 0;
    loop {
        let mut channels = redis::cmd("PUBSUB");
        channels.arg("CHANNELS").arg(pattern);
        let heard: Vec<String> = channels.query_async(connection).await?;
        looks += 1;
        if heard.is_empty() || looks == LOOKS {
            return Ok(heard);
        }
        sleep(LOOK_EVERY).await;
    }
}

async fn keys(
    connection: &mut MultiplexedConnection,
    pattern: &str,
) -> Result<Vec<String>, RedisError> {
    let mut scan = redis::cmd("SCAN");
    scan.cursor_arg(0)
        .arg("MATCH")
        .arg(pattern)
        .arg("COUNT")
        .arg(1_000);
    let mut found: AsyncIter<'_, String> = scan.iter_async(connection).await?;
    let mut keys = Vec::new();
    while let Some(key) = found.next_item().await {
        keys.push(key?);
    }
    Ok(keys)
}
