//! Connections for commands, to one Redis server or to a Redis Cluster.

use std::{collections::HashMap, time::Duration};

use highwater_types::BrokerUrl;
use redis::{
    AsyncConnectionConfig, Client, Cmd, Pipeline, ProtocolVersion, RedisFuture, RedisResult, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster::{ClusterClient, ClusterClientBuilder},
    cluster_async::ClusterConnection,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection for commands, of which clones share the socket.
#[derive(Clone)]
pub(crate) enum CommandConnection {
    Single(MultiplexedConnection),
    Sharded(ClusterConnection),
}

impl CommandConnection {
    /// Connects to one server, or to each server of a cluster, without subscribing.
    pub(crate) async fn connect(url: &BrokerUrl, response_timeout: Duration) -> RedisResult<Self> {
        let mut single = open_client(url)?
            .get_multiplexed_async_connection_with_config(&connection_config(response_timeout))
            .await?;
        if !is_cluster(&mut single).await? {
            return Ok(Self::Single(single));
        }
        let sharded = cluster_builder(url, response_timeout).build()?;
        Ok(Self::Sharded(sharded.get_async_connection().await?))
    }
}

/// Opens a client of one server. RESP3 delivers pushes and responses on one connection.
pub(super) fn open_client(url: &BrokerUrl) -> RedisResult<Client> {
    let client = Client::open(url.expose_secret())?;
    let info = client.get_connection_info().clone();
    let settings = info.redis_settings().clone();
    Client::open(info.set_redis_settings(settings.set_protocol(ProtocolVersion::RESP3)))
}

/// Returns the settings of a connection to one server.
pub(super) fn connection_config(response_timeout: Duration) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(response_timeout))
}

/// Returns the settings of the connections to a cluster, whose servers the client finds.
pub(super) fn cluster_builder(url: &BrokerUrl, response_timeout: Duration) -> ClusterClientBuilder {
    ClusterClient::builder([url.expose_secret()])
        .use_protocol(ProtocolVersion::RESP3)
        .connection_timeout(CONNECT_TIMEOUT)
        .response_timeout(response_timeout)
        // A repeated command could publish a frame twice.
        .retries(0)
}

/// Whether the server belongs to a cluster.
pub(super) async fn is_cluster(server: &mut MultiplexedConnection) -> RedisResult<bool> {
    // Not INFO, which many servers forbid to applications (the category @dangerous). The
    // protocol is the current one, so this changes nothing.
    let mut hello = redis::cmd("HELLO");
    let hello: HashMap<String, Value> = hello.arg(3).query_async(server).await?;
    let mode = hello.get("mode").cloned().unwrap_or(Value::Nil);
    Ok(redis::from_redis_value::<Option<String>>(mode)?.as_deref() == Some("cluster"))
}

impl ConnectionLike for CommandConnection {
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
