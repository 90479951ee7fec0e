//! A server of a NATS URL: its address, its user and its TLS settings.

use async_nats::{Auth, ServerAddr, rustls::ClientConfig};
use highwater_types::BrokerUrl;

use crate::{
    backplane::remote::{TransportError, TransportResult},
    net::tls::client_config,
};

/// A server and the credentials for it.
pub(super) struct NatsServer {
    pub(super) address: ServerAddr,
    /// No credentials, a user with a password, or a token (a user without a password).
    pub(super) auth: Auth,
    url: BrokerUrl,
}

impl NatsServer {
    /// Parses a URL whose host and port are valid.
    pub(super) fn from_url(url: &BrokerUrl) -> TransportResult<Self> {
        let parsed = highwater_nats::NatsServer::from_url(url);
        let highwater_nats::NatsServer { address, auth } =
            parsed.map_err(TransportError::broken)?;
        let url = url.clone();
        Ok(Self { address, auth, url })
    }

    /// Returns the settings of TLS, if the URL asks for it.
    pub(super) fn tls_config(&self) -> TransportResult<Option<ClientConfig>> {
        let tls = self.url.is_tls().then(|| client_config(&self.url));
        tls.transpose().map_err(TransportError::broken)
    }
}
