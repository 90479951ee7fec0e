//! What a NATS URL says: where, and as whom.

use std::borrow::Cow;

use async_nats::{Auth, ServerAddr};
use highwater_types::BrokerUrl;
use percent_encoding::percent_decode_str;

use super::connection::broken;
use crate::backplane::remote::TransportError;

/// A server, and who connects to it.
pub(in crate::backplane) struct NatsServer {
    pub(super) address: ServerAddr,
    /// Empty, a user with a password, or a token: a user without one.
    pub(super) auth: Auth,
}

impl NatsServer {
    /// Reads a URL whose host and port are known to be valid.
    pub(in crate::backplane) fn from_url(url: &BrokerUrl) -> Result<Self, TransportError> {
        let address: ServerAddr = url.expose_secret().parse().map_err(broken)?;
        let mut auth = Auth::new();
        match (decoded(address.username())?, decoded(address.password())?) {
            (user, None) => auth.token = user,
            (user, password) => (auth.username, auth.password) = (user, password),
        }
        Ok(Self { address, auth })
    }
}

fn decoded(part: Option<&str>) -> Result<Option<String>, TransportError> {
    let decoded = part.map(|part| percent_decode_str(part).decode_utf8());
    let decoded = decoded.transpose().map_err(broken)?;
    Ok(decoded.map(Cow::into_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backplane::BackplaneUrl;

    fn server(text: &str) -> NatsServer {
        let Ok(BackplaneUrl::Nats(url)) = text.parse() else {
            panic!("{text} is no NATS URL")
        };
        NatsServer::from_url(&url).unwrap()
    }

    #[test]
    fn users_passwords_and_tokens() {
        let it = server("nats://u%40x:p%3A@h");
        assert_eq!((it.address.host(), it.address.port()), ("h", 4222));
        assert_eq!(it.auth.username.as_deref(), Some("u@x"));
        assert_eq!(it.auth.password.as_deref(), Some("p:"));
        assert_eq!(it.auth.token, None);
        let it = server("nats://secret@h:1");
        assert_eq!(it.address.port(), 1);
        assert_eq!(it.auth.token.as_deref(), Some("secret"));
        assert_eq!(it.auth.username, None);
        let it = server("nats://h");
        assert_eq!((it.auth.username, it.auth.token), (None, None));
    }
}
