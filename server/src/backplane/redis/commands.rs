//! Connections for commands, to one Redis server or to a Redis Cluster.
//!
//! A node uses the primary of several servers. Its replicas reject writes, and deliver what is
//! published at them to their own subscribers only.

use std::{collections::HashMap, time::Duration};

use highwater_types::BrokerUrl;
use redis::{
    Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, RedisResult, ServerErrorKind, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster_async::ClusterConnection,
};

use super::{
    cluster_nodes::cluster_nodes,
    sentinel::resolve_primary,
    settings::{cluster_builder, connection_config, open_client},
};
use crate::net::broker_servers::BrokerServers;

/// A connection for commands, of which clones share the socket.
#[derive(Clone)]
pub(crate) enum CommandConnection {
    Single(MultiplexedConnection),
    Sharded(ClusterConnection),
}

impl CommandConnection {
    /// Connects to the first server that accepts, or to each server of its cluster, without
    /// subscribing.
    pub(crate) async fn connect(
        servers: &BrokerServers,
        response_timeout: Duration,
    ) -> RedisResult<Self> {
        let connect = async |server: BrokerUrl| -> RedisResult<Self> {
            let server = resolve_primary(server).await?;
            let config = connection_config(response_timeout);
            let mut single = open_client(&server)?
                .get_multiplexed_async_connection_with_config(&config)
                .await?;
            match check_role(&mut single).await {
                Ok(ServerRole::ClusterMember) => {}
                Ok(ServerRole::Primary) => return Ok(Self::Single(single)),
                // A user that may not ask has one server, and the commands will tell.
                Err(error) if error.code() == Some("NOPERM") => return Ok(Self::Single(single)),
                Err(error) => return Err(error),
            }
            servers.discover(cluster_nodes(&mut single).await?);
            let sharded = cluster_builder(&server, response_timeout).build()?;
            Ok(Self::Sharded(sharded.get_async_connection().await?))
        };
        servers.connect(connect).await
    }
}

/// The part of a server, as far as nodes can use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServerRole {
    /// A server that is alone or has replicas.
    Primary,
    /// A server of a cluster, in which clients find each key's primary.
    ClusterMember,
}

impl ServerRole {
    pub(super) fn is_cluster(self) -> bool {
        self == Self::ClusterMember
    }
}

/// Returns the role of a server. A replica is an error.
pub(super) async fn check_role(server: &mut MultiplexedConnection) -> RedisResult<ServerRole> {
    // Not INFO, which many servers forbid to applications (the category @dangerous). The
    // protocol is the current one, so HELLO changes nothing.
    let mut hello = redis::cmd("HELLO");
    let hello: HashMap<String, Value> = hello.arg(3).query_async(server).await?;
    let field = |name: &str| {
        let value = hello.get(name).cloned().unwrap_or(Value::Nil);
        redis::from_redis_value::<Option<String>>(value)
    };
    if field("mode")?.as_deref() == Some("cluster") {
        return Ok(ServerRole::ClusterMember);
    }
    if field("role")?.is_some_and(|role| role != "master") {
        let kind = ErrorKind::Server(ServerErrorKind::ReadOnly);
        return Err(RedisError::from((kind, "the server is a replica")));
    }
    Ok(ServerRole::Primary)
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
