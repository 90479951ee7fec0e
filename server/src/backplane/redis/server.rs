//! One Redis server, or a cluster of them.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use futures_util::future::try_join_all;
use redis::{
    AsyncConnectionConfig, Client, Cmd, Pipeline, ProtocolVersion, PushInfo, RedisError,
    RedisFuture, RedisResult, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster::ClusterClient,
    cluster_async::ClusterConnection,
    cluster_routing::{MultipleNodeRoutingInfo, ResponsePolicy, RoutingInfo},
};

use super::CarrierError;
use crate::backplane::ServerUrl;

const CONNECT: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(5);

/// Two connections: one that is subscribed, one for all else.
pub(super) enum Server {
    Single {
        commands: MultiplexedConnection,
        listening: MultiplexedConnection,
    },
    Sharded {
        commands: ClusterConnection,
        listening: ClusterConnection,
    },
}

/// The connection for commands, of either kind.
pub(crate) enum Commands {
    Single(MultiplexedConnection),
    Sharded(ClusterConnection),
}

impl Commands {
    /// One connection, or one to each server of a cluster, that hears nothing. Calls
    /// may take up to `answer`.
    pub(crate) async fn connect(url: &ServerUrl, answer: Duration) -> RedisResult<Self> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(answer));
        let mut single = client(url)?
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        if !is_cluster(&mut single).await? {
            return Ok(Self::Single(single));
        }
        let sharded = ClusterClient::builder([url.secret()])
            .use_protocol(ProtocolVersion::RESP3)
            .connection_timeout(CONNECT)
            .response_timeout(answer)
            .retries(0)
            .build()?;
        Ok(Self::Sharded(sharded.get_async_connection().await?))
    }
}

impl Server {
    /// Connects twice; `hear` gets what is pushed, from inside the client's task.
    pub(super) async fn connect(
        url: &ServerUrl,
        hear: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> Result<Self, CarrierError> {
        let client = client(url).map_err(|error| CarrierError::Unsuitable {
            what: error.to_string(),
            hint: "check the backplane's URL",
        })?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER));
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
            listening,
        })
    }

    /// The client finds the shards by itself. It must repeat nothing: what may have
    /// been published is not published again.
    async fn connect_sharded(
        url: &ServerUrl,
        hear: impl Fn(PushInfo) -> Result<(), std::convert::Infallible> + Send + Sync + 'static,
    ) -> Result<Self, CarrierError> {
        let builder = || {
            ClusterClient::builder([url.secret()])
                .use_protocol(ProtocolVersion::RESP3)
                .connection_timeout(CONNECT)
                .response_timeout(ANSWER)
                .retries(0)
        };
        let commands = builder().build()?.get_async_connection().await?;
        let listening = builder().push_sender(hear).build()?;
        let listening = listening.get_async_connection().await?;
        // The client is content with one shard that answers; a node is not.
        for connection in [&commands, &listening] {
            let all = MultipleNodeRoutingInfo::AllMasters;
            let all = RoutingInfo::MultiNode((all, Some(ResponsePolicy::AllSucceeded)));
            let mut connection = connection.clone();
            connection.route_command(redis::cmd("PING"), all).await?;
        }
        Ok(Self::Sharded {
            commands,
            listening,
        })
    }

    pub(super) fn commands(&self) -> Commands {
        match self {
            Self::Single { commands, .. } => Commands::Single(commands.clone()),
            Self::Sharded { commands, .. } => Commands::Sharded(commands.clone()),
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
            Self::Single { listening, .. } => listening.clone().subscribe(channels).await,
            Self::Sharded { listening, .. } => {
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
            Self::Single { listening, .. } => listening.clone().unsubscribe(channels).await,
            Self::Sharded { listening, .. } => {
                let each = channels.into_iter().map(|channel| {
                    let mut listening = listening.clone();
                    async move { listening.sunsubscribe(channel).await }
                });
                try_join_all(each).await.map(drop)
            }
        }
    }

    /// Gives the connections a name, by which [`Server::disconnect`] finds them. In
    /// a cluster they are many and change, and stay nameless.
    pub(super) async fn name_connections(&self, name: &str) -> RedisResult<()> {
        let Self::Single {
            commands,
            listening,
        } = self
        else {
            return Ok(());
        };
        let mut set_name = redis::cmd("CLIENT");
        set_name.arg("SETNAME").arg(name);
        for connection in [commands, listening] {
            let () = set_name.query_async(&mut connection.clone()).await?;
        }
        Ok(())
    }

    /// Ends connections of that name, if any are left: those of a node that hangs,
    /// for which the server would go on collecting messages. A server that does not
    /// allow it disconnects them itself, when too much waits for them.
    pub(super) async fn disconnect(&self, name: &str) {
        let Self::Single { commands, .. } = self else {
            return;
        };
        if let Err(error) = kill_named(&mut commands.clone(), name).await {
            tracing::debug!(name, %error, "connections cannot be ended");
        }
    }
}

async fn kill_named(server: &mut MultiplexedConnection, name: &str) -> RedisResult<()> {
    let mut list = redis::cmd("CLIENT");
    let clients: String = list.arg("LIST").query_async(server).await?;
    for client in clients.lines() {
        if field(client, "name") == Some(name)
            && let Some(id) = field(client, "id")
        {
            let mut kill = redis::cmd("CLIENT");
            let () = kill
                .arg("KILL")
                .arg("ID")
                .arg(id)
                .query_async(server)
                .await?;
        }
    }
    Ok(())
}

/// A field of a line of `CLIENT LIST`: `id=3 addr=… name=…`.
fn field<'l>(line: &'l str, key: &str) -> Option<&'l str> {
    let mut fields = line.split(' ').filter_map(|field| field.split_once('='));
    fields
        .find(|(name, _)| *name == key)
        .map(|(_, value)| value)
}

fn client(url: &ServerUrl) -> Result<Client, RedisError> {
    let client = Client::open(url.secret())?;
    let info = client.get_connection_info().clone();
    let settings = info.redis_settings().clone();
    Client::open(info.set_redis_settings(settings.set_protocol(ProtocolVersion::RESP3)))
}

async fn is_cluster(server: &mut MultiplexedConnection) -> RedisResult<bool> {
    let mut info = redis::cmd("INFO");
    let info: String = info.arg("cluster").query_async(server).await?;
    Ok(info.lines().any(|line| line.trim() == "cluster_enabled:1"))
}

impl ConnectionLike for Commands {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Single(server) => server.req_packed_command(cmd),
            Self::Sharded(server) => server.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Single(server) => server.req_packed_commands(pipeline, offset, count),
            Self::Sharded(server) => server.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Single(server) => server.get_db(),
            Self::Sharded(server) => server.get_db(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn fields_of_a_client() {
        let line = "id=13 addr=127.0.0.1:1 laddr=127.0.0.1:2 name=highwater:c:inbox:n-1-2 age=0";
        assert_eq!(field(line, "id"), Some("13"));
        assert_eq!(field(line, "name"), Some("highwater:c:inbox:n-1-2"));
        assert_eq!(field(line, "none"), None);
    }
}
