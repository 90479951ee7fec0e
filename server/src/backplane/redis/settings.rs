//! The settings of connections to one Redis server or to a Redis Cluster.

use std::time::Duration;

use highwater_types::BrokerUrl;
use redis::{
    AsyncConnectionConfig, Client, ProtocolVersion, RedisResult, TlsCertificates,
    cluster::{ClusterClient, ClusterClientBuilder},
};

use crate::net::tls::install_ring_provider;

pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

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
