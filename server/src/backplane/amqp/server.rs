//! The parts of an AMQP URL: the server's address and the settings of its connections.

use std::sync::Arc;

use highwater_types::BrokerUrl;
use lapin::uri::AMQPUri;
use tokio_rustls::rustls::ClientConfig;

use crate::{
    backplane::remote::{TransportError, TransportResult},
    net::tls::client_config,
};

/// The seconds after which either end, if silent, is taken for dead. Heartbeats are sent
/// twice as often. RabbitMQ advises against less than 5 s.
const HEARTBEAT_S: u16 = 5;
/// The largest frame. The client library has buffers for 32 of them in each direction of a
/// connection, so this is less than RabbitMQ's default of 128 KiB.
const FRAME_BYTES: u32 = 32 * 1024;

/// A server, and how to connect to it.
pub(super) struct AmqpServer {
    pub(super) uri: AMQPUri,
    /// The settings of TLS, if the URL asks for it.
    pub(super) tls: Option<Arc<ClientConfig>>,
}

impl AmqpServer {
    /// Parses a URL, and loads the authorities that TLS needs.
    pub(super) fn from_url(url: &BrokerUrl) -> TransportResult<Self> {
        let uri = uri(url)?;
        let tls = url.is_tls().then(|| client_config(url));
        let tls = tls.transpose().map_err(TransportError::broken)?;
        let tls = tls.map(Arc::new);
        Ok(Self { uri, tls })
    }

    /// Returns the host: a name, or an IP address without brackets.
    pub(super) fn host(&self) -> &str {
        let host = &self.uri.authority.host;
        host.trim_start_matches('[').trim_end_matches(']')
    }
}

/// Parses a URL and adds the settings of a connection.
pub(super) fn uri(url: &BrokerUrl) -> TransportResult<AMQPUri> {
    let parsed = url.expose_secret().parse();
    let mut uri: AMQPUri = parsed.map_err(TransportError::broken)?;
    // By the URI specification, `amqp://host/` names the virtual host with an empty name.
    // The user means the default one.
    if uri.vhost.is_empty() {
        "/".clone_into(&mut uri.vhost);
    }
    uri.query.heartbeat = Some(HEARTBEAT_S);
    uri.query.frame_max = Some(FRAME_BYTES);
    Ok(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> AMQPUri {
        uri(&BrokerUrl::parse(text).unwrap()).unwrap()
    }

    #[test]
    fn url_is_split_into_host_user_and_virtual_host() {
        let authority = parsed("amqp://u%40x:p%3A@h:1/my%2fhost").authority;
        assert_eq!((authority.host.as_str(), authority.port), ("h", 1));
        assert_eq!(authority.userinfo.username, "u@x");
        assert_eq!(authority.userinfo.password, "p:");
        let authority = parsed("amqp://h").authority;
        assert_eq!(authority.port, 5672);
        assert_eq!(authority.userinfo.username, "guest");
        for (text, vhost) in [
            ("amqp://h", "/"),
            ("amqp://h/", "/"),
            ("amqp://h/%2f", "/"),
            ("amqp://h/my%2fhost", "my/host"),
        ] {
            assert_eq!(parsed(text).vhost, vhost, "{text}");
        }
    }
}
