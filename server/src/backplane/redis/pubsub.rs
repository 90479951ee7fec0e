//! Publishing and subscribing, at one Redis server or at a Redis Cluster.

use std::{collections::BTreeMap, convert::Infallible, time::Duration};

use bytes::Bytes;
use futures_util::future::try_join_all;
use highwater_types::{BrokerUrl, ServerAddress};
use redis::{Pipeline, PushInfo, RedisResult};

use super::{
    cluster_nodes::cluster_nodes,
    commands::{CommandConnection, check_role},
    settings::{cluster_builder, connection_config, open_client},
    shards::ping_all_shards,
};
use crate::backplane::remote::{TransportError, TransportResult};

const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Two connections of the same kind.
pub(super) struct PubSubClient {
    /// The connection for all commands that do not subscribe.
    pub(super) commands: CommandConnection,
    /// The connection that is subscribed.
    pub(super) subscriber: CommandConnection,
    /// The servers of a cluster at the time of connecting.
    pub(super) named_servers: Vec<ServerAddress>,
}

impl PubSubClient {
    /// Connects twice. `on_push` gets each push, inside the client's task.
    pub(super) async fn connect(
        url: &BrokerUrl,
        on_push: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> TransportResult<Self> {
        let client = open_client(url).map_err(|error| TransportError::Unsuitable {
            what: error.to_string(),
            hint: "check the URL of the backplane",
        })?;
        let config = connection_config(RESPONSE_TIMEOUT);
        let connecting = client.get_multiplexed_async_connection_with_config(&config);
        let mut commands = connecting.await?;
        let on_push = move |push| {
            on_push(push);
            Ok::<(), Infallible>(())
        };
        if !check_role(&mut commands).await?.is_cluster() {
            let config = config.set_push_sender(on_push);
            let connecting = client.get_multiplexed_async_connection_with_config(&config);
            return Ok(Self {
                commands: CommandConnection::Single(commands),
                subscriber: CommandConnection::Single(connecting.await?),
                named_servers: Vec::new(),
            });
        }
        let named_servers = cluster_nodes(&mut commands).await?;
        let builder = || cluster_builder(url, RESPONSE_TIMEOUT);
        let commands = builder().build()?.get_async_connection().await?;
        let subscriber = builder().push_sender(on_push).build()?;
        let subscriber = subscriber.get_async_connection().await?;
        // The client library connects if one shard answers, but a node needs all of them.
        for connection in [&commands, &subscriber] {
            ping_all_shards(connection).await?;
        }
        Ok(Self {
            commands: CommandConnection::Sharded(commands),
            subscriber: CommandConnection::Sharded(subscriber),
            named_servers,
        })
    }

    /// Publishes. Messages on one channel arrive in this order.
    pub(super) async fn publish(&self, frames: Vec<(String, Bytes)>) -> RedisResult<()> {
        match self.commands.clone() {
            CommandConnection::Single(mut server) => {
                let mut batch = redis::pipe();
                for (channel, frame) in &frames {
                    batch.cmd("PUBLISH").arg(channel).arg(&frame[..]).ignore();
                }
                // It waits for the responses, so that no later batch overtakes this one.
                batch.exec_async(&mut server).await
            }
            // A pipeline goes to one shard, so each channel gets one of its own.
            CommandConnection::Sharded(servers) => {
                let mut batches: BTreeMap<&str, Pipeline> = BTreeMap::new();
                for (channel, frame) in &frames {
                    let batch = batches.entry(channel).or_default();
                    batch.cmd("SPUBLISH").arg(channel).arg(&frame[..]).ignore();
                }
                let sent = batches
                    .values()
                    .map(async |batch| batch.exec_async(&mut servers.clone()).await);
                try_join_all(sent).await.map(drop)
            }
        }
    }

    /// Subscribes. The subscriptions are in force when this returns.
    pub(super) async fn subscribe(&self, channels: Vec<String>) -> RedisResult<()> {
        match self.subscriber.clone() {
            // Redis rejects a command without channels.
            _ if channels.is_empty() => Ok(()),
            CommandConnection::Single(mut server) => server.subscribe(channels).await,
            CommandConnection::Sharded(servers) => {
                // One command per channel: channels of different slots may not share one.
                let each = channels
                    .into_iter()
                    .map(async |channel| servers.clone().ssubscribe(channel).await);
                try_join_all(each).await.map(drop)
            }
        }
    }

    /// Undoes [`PubSubClient::subscribe`].
    pub(super) async fn unsubscribe(&self, channels: Vec<String>) -> RedisResult<()> {
        match self.subscriber.clone() {
            // Without channels, Redis would end all subscriptions.
            _ if channels.is_empty() => Ok(()),
            CommandConnection::Single(mut server) => server.unsubscribe(channels).await,
            CommandConnection::Sharded(servers) => {
                let each = channels
                    .into_iter()
                    .map(async |channel| servers.clone().sunsubscribe(channel).await);
                try_join_all(each).await.map(drop)
            }
        }
    }
}
