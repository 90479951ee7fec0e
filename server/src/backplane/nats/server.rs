//! The parts of a NATS URL: the server's address and the credentials.

use std::borrow::Cow;

use async_nats::{Auth, ServerAddr};
use highwater_types::BrokerUrl;
use percent_encoding::percent_decode_str;

use crate::backplane::remote::TransportError;

/// A server and the credentials for parsed.
pub(super) struct NatsServer {
    pub(super) address: ServerAddr,
    /// No credentials, a user with a password, or a token (a user without a password).
    pub(super) auth: Auth,
}

impl NatsServer {
    /// Parses a URL whose host and port are valid.
    pub(super) fn from_url(url: &BrokerUrl) -> Result<Self, TransportError> {
        let address: ServerAddr = url
            .expose_secret()
            .parse()
            .map_err(TransportError::broken)?;
        // The client library takes credentials only apart from the URL, and decoded.
        let mut auth = Auth::new();
        match (decode(address.username())?, decode(address.password())?) {
            (user, None) => auth.token = user,
            (user, password) => (auth.username, auth.password) = (user, password),
        }
        Ok(Self { address, auth })
    }
}

fn decode(part: Option<&str>) -> Result<Option<String>, TransportError> {
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
        let parsed = server("nats://u%40x:p%3A@h");
        assert_eq!((parsed.address.host(), parsed.address.port()), ("h", 4222));
        assert_eq!(parsed.auth.username.as_deref(), Some("u@x"));
        assert_eq!(parsed.auth.password.as_deref(), Some("p:"));
        assert_eq!(parsed.auth.token, None);
        let parsed = server("nats://secret@h:1");
        assert_eq!(parsed.address.port(), 1);
        assert_eq!(parsed.auth.token.as_deref(), Some("secret"));
        assert_eq!(parsed.auth.username, None);
        let parsed = server("nats://h");
        assert_eq!((parsed.auth.username, parsed.auth.token), (None, None));
    }
}
