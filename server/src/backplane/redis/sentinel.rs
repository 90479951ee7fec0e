//! Redis Sentinel: the primary that a Sentinel names.
//!
//! A node asks at each new connection. After a failover, Sentinel makes the former primary a
//! replica and ends its connections, so that nodes ask again.

use highwater_types::{BrokerUrl, ServerAddress};
use redis::{Client, ErrorKind, ProtocolVersion, RedisConnectionInfo, RedisError, RedisResult};

use super::settings::{CONNECT_TIMEOUT, connection_config, open_client};

/// Returns the URL of the primary if `server` is a Sentinel, and otherwise `server` itself.
pub(super) async fn resolve_primary(server: BrokerUrl) -> RedisResult<BrokerUrl> {
    let Some(name) = server.sentinel_primary() else {
        return Ok(server);
    };
    let sentinel = server.with_primary(server.servers()[0].clone());
    let with_password = open_client(&sentinel)?;
    let info = with_password.get_connection_info().clone();
    let settings = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3);
    let without_password = Client::open(info.set_redis_settings(settings))?;
    // User and password are those of the primary. Sentinels may have none, and reject a
    // password then, or share them.
    let primary = match ask(&without_password, name).await {
        Err(error) if error.code() == Some("NOAUTH") => ask(&with_password, name).await?,
        answer => answer?,
    };
    let Some((host, port)) = primary else {
        let kind = ErrorKind::MasterNameNotFoundBySentinel;
        return Err(RedisError::from((
            kind,
            "the Sentinel knows no such primary",
        )));
    };
    let primary = ServerAddress::from_parts(&host, &port);
    let primary = primary.map_err(|error| {
        let description = "the Sentinel names an invalid address";
        RedisError::from((ErrorKind::Client, description, error.to_string()))
    })?;
    Ok(server.with_primary(primary))
}

async fn ask(sentinel: &Client, name: &str) -> RedisResult<Option<(String, String)>> {
    let config = connection_config(CONNECT_TIMEOUT);
    let connecting = sentinel.get_multiplexed_async_connection_with_config(&config);
    let mut sentinel = connecting.await?;
    let mut command = redis::cmd("SENTINEL");
    command.arg("GET-MASTER-ADDR-BY-NAME").arg(name);
    command.query_async(&mut sentinel).await
}
