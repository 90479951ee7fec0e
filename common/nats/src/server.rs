//! The parts of a NATS URL: the server's address and the user.

use std::{io, str::Utf8Error};

use async_nats::{Auth, ConnectOptions, ServerAddr};
use highwater_types::BrokerUrl;
use percent_encoding::percent_decode_str;

/// A server, and the user of its URL.
#[derive(Clone)]
pub struct NatsServer {
    /// The address.
    pub address: ServerAddr,
    /// No user, a user with a password, or a token (a user without a password).
    pub auth: Auth,
}

/// A URL that the client library cannot use.
#[derive(Debug, thiserror::Error)]
pub enum InvalidNatsUrl {
    /// The address is not one of a server.
    #[error("cannot read the address of the server: {0}")]
    Address(io::Error),
    /// The user or the password is not UTF-8 once it is decoded.
    #[error("cannot decode the user of the address: {0}")]
    User(Utf8Error),
}

impl NatsServer {
    /// Parses the URL of one server, whose host and port are valid.
    ///
    /// The client library ignores the user in an address. It takes the user only apart from the
    /// address, and decoded.
    ///
    /// # Errors
    /// [`InvalidNatsUrl`] if a part is invalid.
    pub fn from_url(url: &BrokerUrl) -> Result<Self, InvalidNatsUrl> {
        let parsed = url.expose_secret().parse();
        let address: ServerAddr = parsed.map_err(InvalidNatsUrl::Address)?;
        let mut auth = Auth::new();
        match (decode(address.username())?, decode(address.password())?) {
            (user, None) => auth.token = user,
            (user, password) => (auth.username, auth.password) = (user, password),
        }
        Ok(Self { address, auth })
    }

    /// Adds the user to the options of a connection. Without one, the options stay as they are.
    #[must_use]
    pub fn authenticate(&self, options: ConnectOptions) -> ConnectOptions {
        let Auth {
            username,
            password,
            token,
            ..
        } = self.auth.clone();
        match (username, password, token) {
            (Some(user), Some(password), _) => options.user_and_password(user, password),
            (_, _, Some(token)) => options.token(token),
            _ => options,
        }
    }
}

fn decode(part: Option<&str>) -> Result<Option<String>, InvalidNatsUrl> {
    let decoded = part.map(|part| percent_decode_str(part).decode_utf8());
    let decoded = decoded.transpose().map_err(InvalidNatsUrl::User)?;
    Ok(decoded.map(|part| part.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> Result<NatsServer, InvalidNatsUrl> {
        NatsServer::from_url(&BrokerUrl::parse(text).expect("a broker's address"))
    }

    #[test]
    fn url_is_split_into_address_user_password_and_token() {
        for (url, port, user, password, token) in [
            ("nats://u%40x:p%3A@h", 4222, Some("u@x"), Some("p:"), None),
            ("nats://secret@h:1", 1, None, None, Some("secret")),
            ("nats://h", 4222, None, None, None),
        ] {
            let NatsServer { address, auth } = server(url).expect("valid");
            assert_eq!((address.host(), address.port()), ("h", port));
            assert_eq!(auth.username.as_deref(), user, "{url}");
            assert_eq!(auth.password.as_deref(), password, "{url}");
            assert_eq!(auth.token.as_deref(), token, "{url}");
        }
    }

    #[test]
    fn user_that_is_not_text_is_refused() {
        let refused = server("nats://%ff:p@h");
        assert!(matches!(refused, Err(InvalidNatsUrl::User(_))));
    }
}
