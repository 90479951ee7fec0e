//! Commands to a server, or to a cluster of them.

use std::time::Duration;

use highwater_types::BrokerUrl;
use redis::{
    AsyncConnectionConfig, Client, Cmd, Pipeline, ProtocolVersion, RedisFuture, RedisResult, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster::{ClusterClient, ClusterClientBuilder},
    cluster_async::ClusterConnection,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The connection for commands, of either kind.
pub(crate) enum CommandConnection {
    Single(MultiplexedConnection),
    Sharded(ClusterConnection),
}

impl CommandConnection {
    /// One connection, or one to each server of a cluster, that hears nothing. Calls
    /// may take up to `answer`.
    pub(crate) async fn connect(url: &BrokerUrl, answer: Duration) -> RedisResult<Self> {
        let mut single = open_client(url)?
            .get_multiplexed_async_connection_with_config(&connection_config(answer))
            .await?;
        if !is_cluster(&mut single).await? {
            return Ok(Self::Single(single));
        }
        let sharded = cluster_builder(url, answer).build()?;
        Ok(Self::Sharded(sharded.get_async_connection().await?))
    }
}

/// A single server, spoken to in RESP3.
pub(super) fn open_client(url: &BrokerUrl) -> RedisResult<Client> {
    let client = Client::open(url.expose_secret())?;
    let info = client.get_connection_info().clone();
    let settings = info.redis_settings().clone();
    Client::open(info.set_redis_settings(settings.set_protocol(ProtocolVersion::RESP3)))
}

/// How a single server is connected to.
pub(super) fn connection_config(answer: Duration) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(answer))
}

/// The servers of a cluster; the client finds them by itself. It must repeat nothing:
/// what may have been done is not done again.
pub(super) fn cluster_builder(url: &BrokerUrl, answer: Duration) -> ClusterClientBuilder {
    ClusterClient::builder([url.expose_secret()])
        .use_protocol(ProtocolVersion::RESP3)
        .connection_timeout(CONNECT_TIMEOUT)
        .response_timeout(answer)
        .retries(0)
}

/// Whether the server is one of a cluster.
pub(super) async fn is_cluster(server: &mut MultiplexedConnection) -> RedisResult<bool> {
    let mut info = redis::cmd("INFO");
    let info: String = info.arg("cluster").query_async(server).await?;
    Ok(info.lines().any(|line| line.trim() == "cluster_enabled:1"))
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
