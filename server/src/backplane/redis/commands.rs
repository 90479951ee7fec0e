//! Connections for commands, to one Redis server or to a Redis Cluster.
//!
//! A node uses the primary of several servers. Its replicas reject writes, and deliver what is
//! published at them to their own subscribers only.

use std::{collections::HashMap, time::Duration};

use highwater_types::BrokerUrl;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, Pipeline, ProtocolVersion, RedisError,
    RedisFuture, RedisResult, ServerErrorKind, TlsCertificates, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster::{ClusterClient, ClusterClientBuilder},
    cluster_async::ClusterConnection,
};

use super::{cluster_nodes::cluster_nodes, sentinel::resolve_primary};
use crate::net::{broker_servers::BrokerServers, tls::install_ring_provider};

pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

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

/// Opens a client of one server. RESP3 delivers pushes and responses on one connection.
pub(super) fn open_client(url: &BrokerUrl) -> RedisResult<Client> {
    let client = match url.is_tls() {
        true => {
            // The client library asks for the process's provider.
            install_ring_provider();
            Client::build_with_tls(url.expose_secret(), certificates(url))?
        }
        false => Client::open(url.expose_secret())?,
    };
    let info = client.get_connection_info().clone();
    let settings = info.redis_settings().clone();
    Client::open(info.set_redis_settings(settings.set_protocol(ProtocolVersion::RESP3)))
}

/// Returns the authorities that the URL names. Without any, those of the machine hold.
fn certificates(url: &BrokerUrl) -> TlsCertificates {
    TlsCertificates {
        client_tls: None,
        root_cert: url.ca().map(|pem| pem.as_bytes().to_vec()),
    }
}

/// Returns the settings of a connection to one server.
pub(super) fn connection_config(response_timeout: Duration) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(response_timeout))
}

/// Returns the settings of the connections to a cluster, whose servers the client finds.
pub(super) fn cluster_builder(url: &BrokerUrl, response_timeout: Duration) -> ClusterClientBuilder {
    let builder = ClusterClient::builder([url.expose_secret()]);
    let builder = match url.is_tls() {
        true => builder.certs(certificates(url)),
        false => builder,
    };
    builder
        .use_protocol(ProtocolVersion::RESP3)
        .connection_timeout(CONNECT_TIMEOUT)
        .response_timeout(response_timeout)
        // A repeated command could publish a frame twice.
        .retries(0)
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
