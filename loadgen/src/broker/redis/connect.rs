//! Connections to Redis: through TLS, by way of Sentinels, to the primary alone.

use highwater_types::{BrokerUrl, ServerAddress};
use redis::{
    Client, ErrorKind, RedisConnectionInfo, RedisError, RedisResult, ServerErrorKind,
    TlsCertificates, aio::MultiplexedConnection,
};

use super::super::driver::connect_to_any;
use crate::{access::tls_verify::install_ring_provider, error_chain::error_chain};

/// Connects to the first server that answers, and is not a replica of another one.
pub(super) async fn connect(url: &BrokerUrl) -> Result<MultiplexedConnection, String> {
    let connect = async |server| {
        let connected = connect_to_primary(server).await;
        connected.map_err(|error| error_chain(&error))
    };
    connect_to_any(url, connect).await
}

/// Connects to a server of the cluster to which the address leads.
pub(super) async fn connect_to(
    url: &BrokerUrl,
    server: ServerAddress,
) -> RedisResult<MultiplexedConnection> {
    let client = open_client(&url.with_primary(server))?;
    client.get_multiplexed_async_connection().await
}

/// Whether the server belongs to a cluster.
pub(super) async fn is_cluster(server: &mut MultiplexedConnection) -> RedisResult<bool> {
    has_line(server, "cluster", "cluster_enabled:1").await
}

async fn connect_to_primary(server: BrokerUrl) -> RedisResult<MultiplexedConnection> {
    let server = resolve_primary(server).await?;
    let client = open_client(&server)?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    // In a cluster, a replica knows the primaries.
    if has_line(&mut connection, "replication", "role:slave").await?
        && !is_cluster(&mut connection).await?
    {
        let kind = ErrorKind::Server(ServerErrorKind::ReadOnly);
        return Err((kind, "the server is a replica").into());
    }
    Ok(connection)
}

/// Returns the address of the primary if `server` is a Sentinel, and otherwise `server`.
async fn resolve_primary(server: BrokerUrl) -> RedisResult<BrokerUrl> {
    let Some(name) = server.sentinel_primary() else {
        return Ok(server);
    };
    let with_password = open_client(&server.with_primary(server.servers()[0].clone()))?;
    let info = with_password.get_connection_info().clone();
    let without_password = Client::open(info.set_redis_settings(RedisConnectionInfo::default()))?;
    // User and password are those of the primary. Sentinels may have none, or share them.
    let primary = match ask_sentinel(&without_password, name).await {
        Err(error) if error.code() == Some("NOAUTH") => ask_sentinel(&with_password, name).await?,
        answer => answer?,
    };
    let Some((host, port)) = primary else {
        let kind = ErrorKind::MasterNameNotFoundBySentinel;
        return Err((kind, "the Sentinel knows no such primary").into());
    };
    let primary = ServerAddress::from_parts(&host, &port);
    let primary = primary.map_err(|error| {
        let description = "the Sentinel names an invalid address";
        RedisError::from((ErrorKind::Client, description, error.to_string()))
    })?;
    Ok(server.with_primary(primary))
}

async fn ask_sentinel(sentinel: &Client, name: &str) -> RedisResult<Option<(String, String)>> {
    let mut sentinel = sentinel.get_multiplexed_async_connection().await?;
    let mut command = redis::cmd("SENTINEL");
    command.arg("GET-MASTER-ADDR-BY-NAME").arg(name);
    command.query_async(&mut sentinel).await
}

fn open_client(url: &BrokerUrl) -> RedisResult<Client> {
    if !url.is_tls() {
        return Client::open(url.expose_secret());
    }
    // The client library asks for the process's provider.
    install_ring_provider();
    let certificates = TlsCertificates {
        client_tls: None,
        root_cert: url.ca().map(|pem| pem.as_bytes().to_vec()),
    };
    Client::build_with_tls(url.expose_secret(), certificates)
}

/// Whether a section of `INFO` has this line.
async fn has_line(
    server: &mut MultiplexedConnection,
    section: &str,
    expected: &str,
) -> RedisResult<bool> {
    let mut info = redis::cmd("INFO");
    let info: String = info.arg(section).query_async(server).await?;
    Ok(info.lines().any(|line| line.trim() == expected))
}
