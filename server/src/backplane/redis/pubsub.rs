//! One Redis server, or a cluster of them.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use futures_util::future::try_join_all;
use highwater_types::BrokerUrl;
use redis::{
    Pipeline, PushInfo, RedisResult, aio::MultiplexedConnection, cluster_async::ClusterConnection,
};

use super::{
    TransportError,
    commands::{CommandConnection, cluster_builder, connection_config, is_cluster, open_client},
    shards::ping_all_shards,
};

const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Two connections: one that is subscribed, one for all else.
pub(super) enum PubSubClient {
    Single {
        commands: MultiplexedConnection,
        subscriber: MultiplexedConnection,
    },
    Sharded {
        commands: ClusterConnection,
        subscriber: ClusterConnection,
    },
}

impl PubSubClient {
    /// Connects twice; `hear` gets what is pushed, from inside the client's task.
    pub(super) async fn connect(
        url: &BrokerUrl,
        hear: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> Result<Self, TransportError> {
        let client = open_client(url).map_err(|error| TransportError::Unsuitable {
            what: error.to_string(),
            hint: "check the backplane's URL",
        })?;
        let config = connection_config(RESPONSE_TIMEOUT);
        let mut commands = client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        let hear = move |push| {
            hear(push);
            Ok::<(), std::convert::Infallible>(())
        };
        if is_cluster(&mut commands).await? {
            return Self::connect_sharded(url, hear).await;
        }
        let config = config.set_push_sender(hear);
        let listening = client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        Ok(Self::Single {
            commands,
            subscriber: listening,
        })
    }

    async fn connect_sharded(
        url: &BrokerUrl,
        hear: impl Fn(PushInfo) -> Result<(), std::convert::Infallible> + Send + Sync + 'static,
    ) -> Result<Self, TransportError> {
        let commands = cluster_builder(url, RESPONSE_TIMEOUT)
            .build()?
            .get_async_connection()
            .await?;
        let listening = cluster_builder(url, RESPONSE_TIMEOUT)
            .push_sender(hear)
            .build()?;
        let listening = listening.get_async_connection().await?;
        // The client is content with one shard that answers; a node is not.
        for connection in [&commands, &listening] {
            ping_all_shards(connection).await?;
        }
        Ok(Self::Sharded {
            commands,
            subscriber: listening,
        })
    }

    pub(super) fn commands(&self) -> CommandConnection {
        match self {
            Self::Single { commands, .. } => CommandConnection::Single(commands.clone()),
            Self::Sharded { commands, .. } => CommandConnection::Sharded(commands.clone()),
        }
    }

    /// Publishes; what goes to one channel arrives in this order.
    pub(super) async fn publish(&self, frames: Vec<(String, Bytes)>) -> RedisResult<()> {
        match self {
            Self::Single { commands, .. } => {
                let mut batch = redis::pipe();
                for (channel, frame) in &frames {
                    batch.cmd("PUBLISH").arg(channel).arg(&frame[..]).ignore();
                }
                batch.exec_async(&mut commands.clone()).await
            }
            // A pipeline goes to one shard, so each channel has its own.
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

    /// Subscribes; in force when this returns.
    pub(super) async fn subscribe(&self, channels: Vec<String>) -> RedisResult<()> {
        match self {
            _ if channels.is_empty() => Ok(()),
            Self::Single {
                subscriber: listening,
                ..
            } => listening.clone().subscribe(channels).await,
            Self::Sharded {
                subscriber: listening,
                ..
            } => {
                let each = channels.into_iter().map(|channel| {
                    let mut listening = listening.clone();
                    async move { listening.ssubscribe(channel).await }
                });
                try_join_all(each).await.map(drop)
            }
        }
    }

    /// Undoes [`Server::subscribe`].
    pub(super) async fn unsubscribe(&self, channels: Vec<String>) -> RedisResult<()> {
        match self {
            _ if channels.is_empty() => Ok(()),
            Self::Single {
                subscriber: listening,
                ..
            } => listening.clone().unsubscribe(channels).await,
            Self::Sharded {
                subscriber: listening,
                ..
            } => {
                let each = channels.into_iter().map(|channel| {
                    let mut listening = listening.clone();
                    async move { listening.sunsubscribe(channel).await }
                });
                try_join_all(each).await.map(drop)
            }
        }
    }
}
