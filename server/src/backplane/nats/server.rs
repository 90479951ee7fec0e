//! The parts of a NATS URL: the server's address and the credentials.

use std::borrow::Cow;

use async_nats::{Auth, ServerAddr, rustls::ClientConfig};
use highwater_types::BrokerUrl;
use percent_encoding::percent_decode_str;

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
        let parsed = url.expose_secret().parse();
        let address: ServerAddr = parsed.map_err(TransportError::broken)?;
        // The client library takes credentials only apart from the URL, and decoded.
        let mut auth = Auth::new();
        match (decode(address.username())?, decode(address.password())?) {
            (user, None) => auth.token = user,
            (user, password) => (auth.username, auth.password) = (user, password),
        }
        let url = url.clone();
        Ok(Self { address, auth, url })
    }

    /// Returns the settings of TLS, if the URL asks for it.
    pub(super) fn tls_config(&self) -> TransportResult<Option<ClientConfig>> {
        let tls = self.url.is_tls().then(|| client_config(&self.url));
        tls.transpose().map_err(TransportError::broken)
    }
}

fn decode(part: Option<&str>) -> TransportResult<Option<String>> {
    let decoded = part.map(|part| percent_decode_str(part).decode_utf8());
    let decoded = decoded.transpose().map_err(TransportError::broken)?;
    Ok(decoded.map(Cow::into_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> NatsServer {
        NatsServer::from_url(&BrokerUrl::parse(text).unwrap()).unwrap()
    }

    #[test]
    fn url_is_split_into_address_user_password_and_token() {
        for (url, port, user, password, token) in [
            ("nats://u%40x:p%3A@h", 4222, Some("u@x"), Some("p:"), None),
            ("nats://secret@h:1", 1, None, None, Some("secret")),
            ("nats://h", 4222, None, None, None),
        ] {
            let NatsServer { address, auth, .. } = server(url);
            assert_eq!((address.host(), address.port()), ("h", port));
            assert_eq!(auth.username.as_deref(), user, "{url}");
            assert_eq!(auth.password.as_deref(), password, "{url}");
            assert_eq!(auth.token.as_deref(), token, "{url}");
        }
    }
}
