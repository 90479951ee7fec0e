//! The address, the credentials and the connection of the bus.

use std::{error::Error, io, iter, path::PathBuf, time::Duration};

use async_nats::{
    Client, ConnectError, ConnectErrorKind, ConnectOptions,
    jetstream::{self, Context},
};
use highwater_nats::NatsServer;
use highwater_types::{BrokerKind, BrokerUrl, ServerAddress};

use super::error::BusError;
use crate::{
    access::{broker_tls_config, tls_verify::install_ring_provider},
    error_chain::error_chain,
};

/// Longest time for the answer of a server to one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// Time between pings, after three of which a silent server counts as lost.
const PING_INTERVAL: Duration = Duration::from_secs(2);
/// Longest time between two attempts to connect again.
const MAX_RECONNECT_DELAY: Duration = Duration::from_secs(2);

/// The bus of a run, and who may use it.
#[derive(Debug, Clone)]
pub struct BusOptions {
    /// The address, with user and password or a token.
    pub url: BrokerUrl,
    /// A file of NATS credentials (`.creds`).
    pub credentials: Option<PathBuf>,
}

/// A connection to the bus. It reconnects by itself, for as long as it is kept.
#[derive(Debug, Clone)]
pub struct Bus {
    /// The connection.
    pub(crate) client: Client,
    /// JetStream over it.
    pub(crate) context: Context,
}

impl BusOptions {
    /// Connects to the first server that accepts.
    ///
    /// # Errors
    /// [`BusError`] if none does, or the credentials cannot be read.
    pub async fn connect(&self, name: &str) -> Result<Bus, BusError> {
        if self.url.kind() != BrokerKind::Nats {
            return Err(BusError::NotNats {
                address: self.url.to_string(),
            });
        }
        // For a server that requires TLS although the address does not ask for it.
        install_ring_provider();
        let servers: Result<Vec<NatsServer>, _> = self
            .url
            .single_urls()
            .map(|server| NatsServer::from_url(&server))
            .collect();
        let servers = servers.map_err(|error| self.unreachable(&error))?;
        let options = self.options(name).await?;
        // All servers of an address have its user.
        let options = match servers.first() {
            Some(server) => server.authenticate(options),
            None => options,
        };
        let addresses: Vec<_> = servers.into_iter().map(|server| server.address).collect();
        let connected = options.connect(addresses).await;
        let client = connected.map_err(|error| self.connect_error(&error))?;
        // The server may refuse the password after `connect` has returned; a flush is a round
        // trip, so it shows that.
        client
            .flush()
            .await
            .map_err(|error| self.unreachable(&error))?;
        let mut context = jetstream::new(client.clone());
        context.set_timeout(REQUEST_TIMEOUT);
        Ok(Bus { client, context })
    }

    /// Whether one of the bus's servers is one of `broker`'s: the load would disturb its own
    /// measurement, and a broker that fails would take the record along.
    pub fn shares_a_server_with(&self, broker: &BrokerUrl) -> bool {
        let is_same = |own: &ServerAddress| {
            let mut servers = broker.servers().iter();
            servers.any(|other| own.port() == other.port() && host_key(own) == host_key(other))
        };
        self.url.servers().iter().any(is_same)
    }

    async fn options(&self, name: &str) -> Result<ConnectOptions, BusError> {
        let options = ConnectOptions::new()
            .name(name)
            .request_timeout(Some(REQUEST_TIMEOUT))
            .ping_interval(PING_INTERVAL)
            .reconnect_delay_callback(|attempts| {
                let delay = Duration::from_millis(100) * attempts.min(20) as u32;
                delay.min(MAX_RECONNECT_DELAY)
            });
        let options = match &self.credentials {
            None => options,
            Some(path) => {
                let read = options.credentials_file(path).await;
                read.map_err(|error| BusError::Credentials {
                    path: path.clone(),
                    reason: error.to_string(),
                })?
            }
        };
        let tls = broker_tls_config(&self.url).map_err(|error| self.unreachable(&error))?;
        Ok(match tls {
            Some(tls) => options.require_tls(true).tls_client_config(tls),
            None => options,
        })
    }

    fn connect_error(&self, error: &ConnectError) -> BusError {
        match error.kind() {
            ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                BusError::Unauthorized {
                    address: self.url.to_string(),
                    reason: error.to_string(),
                }
            }
            _ if is_rejected_certificate(error) => BusError::Certificate {
                address: self.url.to_string(),
                reason: error_chain(error),
            },
            _ => self.unreachable(error),
        }
    }

    fn unreachable(&self, error: &dyn std::error::Error) -> BusError {
        BusError::Unreachable {
            address: self.url.to_string(),
            reason: error_chain(error),
        }
    }
}

impl Bus {
    /// Returns the longest message that the server accepts, in bytes.
    pub(crate) fn max_payload(&self) -> usize {
        self.client.server_info().max_payload
    }
}

/// Whether rustls has rejected the certificate of a server.
fn is_rejected_certificate(error: &(dyn Error + 'static)) -> bool {
    let causes = iter::successors(Some(error), |error| (*error).source());
    causes
        .filter_map(|error| error.downcast_ref::<io::Error>()?.get_ref())
        .filter_map(|inner| inner.downcast_ref::<rustls::Error>())
        .any(|error| matches!(error, rustls::Error::InvalidCertificate(_)))
}

/// Returns a host in the form in which it is compared: all names of the own machine are one.
fn host_key(server: &ServerAddress) -> String {
    let host = server.host().to_ascii_lowercase();
    match host.as_str() {
        "localhost" | "::1" | "[::1]" => "127.0.0.1".to_owned(),
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bus(url: &str) -> BusOptions {
        BusOptions {
            url: BrokerUrl::parse(url).unwrap(),
            credentials: None,
        }
    }

    #[test]
    fn broker_under_test_is_recognised() {
        let broker = BrokerUrl::parse("nats://b.example,c.example:4333").unwrap();
        assert!(bus("nats://u:p@B.example:4222").shares_a_server_with(&broker));
        assert!(bus("nats://a.example,c.example:4333").shares_a_server_with(&broker));
        assert!(!bus("nats://c.example").shares_a_server_with(&broker));
        let local = BrokerUrl::parse("nats://127.0.0.1:4222").unwrap();
        assert!(bus("nats://localhost").shares_a_server_with(&local));
    }

    #[tokio::test]
    async fn other_brokers_are_no_bus_and_no_error_shows_a_password() {
        let error = bus("redis://u:s3cr3t@127.0.0.1").connect("test").await;
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with("cannot use redis://"), "{error}");
        let closed = bus("nats://u:s3cr3t@127.0.0.1:1").connect("test").await;
        let closed = closed.unwrap_err().to_string();
        assert!(
            closed.starts_with("cannot connect to the bus at"),
            "{closed}"
        );
        assert!(!format!("{error}{closed}").contains("s3cr3t"));
    }
}
