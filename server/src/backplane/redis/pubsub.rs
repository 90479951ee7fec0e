//! Publishing and subscribing, at one Redis server or at a Redis Cluster.

use std::{collections::BTreeMap, convert::Infallible, time::Duration};

use bytes::Bytes;
use futures_util::future::try_join_all;
use highwater_types::BrokerUrl;
use redis::{
    Pipeline, PushInfo, RedisResult, aio::MultiplexedConnection, cluster_async::ClusterConnection,
};

use super::{
    commands::{CommandConnection, cluster_builder, connection_config, is_cluster, open_client},
    shards::ping_all_shards,
};
use crate::backplane::remote::TransportError;

const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Two connections: one that is subscribed, and one for all other commands.
pub(super) enum PubSubClient {
    /// One server.
    Single {
        commands: MultiplexedConnection,
        subscriber: MultiplexedConnection,
    },
    /// A Redis Cluster.
    Sharded {
        commands: ClusterConnection,
        subscriber: ClusterConnection,
    },
}

impl PubSubClient {
    /// Connects twice. `on_push` gets each push, inside the client's task.
    pub(super) async fn connect(
        url: &BrokerUrl,
        on_push: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> Result<Self, TransportError> {
        let client = open_client(url).map_err(|error| TransportError::Unsuitable {
            what: error.to_string(),
            hint: "check the URL of the backplane",
        })?;
        let config = connection_config(RESPONSE_TIMEOUT);
        let mut commands = client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        let on_push = move |push| {
            on_push(push);
            Ok::<(), Infallible>(())
        };
        if is_cluster(&mut commands).await? {
            return Self::connect_sharded(url, on_push).await;
        }
        let config = config.set_push_sender(on_push);
        let subscriber = client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        Ok(Self::Single {
            commands,
            subscriber,
        })
    }

    async fn connect_sharded(
        url: &BrokerUrl,
        on_push: impl Fn(PushInfo) -> Result<(), Infallible> + Send + Sync + 'static,
    ) -> Result<Self, TransportError> {
        let commands = cluster_builder(url, RESPONSE_TIMEOUT)
            .build()?
            .get_async_connection()
            .await?;
        let subscriber = cluster_builder(url, RESPONSE_TIMEOUT)
            .push_sender(on_push)
            .build()?;
        let subscriber = subscriber.get_async_connection().await?;
        // The client library connects if one shard answers, but a node needs all of them.
        for connection in [&commands, &subscriber] {
            ping_all_shards(connection).await?;
        }
        Ok(Self::Sharded {
            commands,
            subscriber,
        })
    }

    pub(super) fn commands(&self) -> CommandConnection {
        match self {
            Self::Single { commands, .. } => CommandConnection::Single(commands.clone()),
            Self::Sharded { commands, .. } => CommandConnection::Sharded(commands.clone()),
        }
    }

    /// Publishes. Messages on one channel arrive in this order.
    pub(super) async fn publish(&self, frames: Vec<(String, Bytes)>) -> RedisResult<()> {
        match self {
            Self::Single { commands, .. } => {
                let mut batch = redis::pipe();
                for (channel, frame) in &frames {
                    batch.cmd("PUBLISH").arg(channel).arg(&frame[..]).ignore();
                }
                batch.exec_async(&mut commands.clone()).await
            }
            // A pipeline goes to one shard, so each channel gets one of its own.
            Self::Sharded { commands, .. } => {
                let mut batches: BTreeMap<&str, Pipeline> = BTreeMap::new();
                for (channel, frame) in &frames {
                    let batch = batches.entry(channel).or_default();
                    batch.cmd("SPUBLISH").arg(channel).arg(&frame[..]).ignore();
                }
                let sent = batches.values().map(|batch| async {
                    let mut commands = commands.clone();
                    batch.exec_async(&mut commands).await
                });
                try_join_all(sent).await.map(drop)
            }
        }
    }

    /// Subscribes. The subscriptions are in force when this returns.
    pub(super) async fn subscribe(&self, channels: Vec<String>) -> RedisResult<()> {
        match self {
            // Redis rejects a command without channels.
            _ if channels.is_empty() => Ok(()),
            Self::Single { subscriber, .. } => subscriber.clone().subscribe(channels).await,
            Self::Sharded { subscriber, .. } => {
                // One command per channel: channels of different slots may not share one.
                let each = channels.into_iter().map(|channel| {
                    let mut subscriber = subscriber.clone();
                    async move { subscriber.ssubscribe(channel).await }
                });
                try_join_all(each).await.map(drop)
            }
        }
    }

    /// Undoes [`PubSubClient::subscribe`].
    pub(super) async fn unsubscribe(&self, channels: Vec<String>) -> RedisResult<()> {
        match self {
            // Without channels, Redis would end all subscriptions.
            _ if channels.is_empty() => Ok(()),
            Self::Single { subscriber, .. } => subscriber.clone().unsubscribe(channels).await,
            Self::Sharded { subscriber, .. } => {
                let each = channels.into_iter().map(|channel| {
                    let mut subscriber = subscriber.clone();
                    async move { subscriber.sunsubscribe(channel).await }
                });
                try_join_all(each).await.map(drop)
            }
        }
    }
}
