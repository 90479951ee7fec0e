//! The address of a STOMP broker.

use std::{borrow::Cow, fmt, str::FromStr};

use highwater_types::{InvalidBrokerUrl, ServerAddress, redact_passwords};
use percent_encoding::percent_decode_str;

const SCHEME: &str = "stomp://";
/// The port of STOMP without TLS.
const DEFAULT_PORT: u16 = 61613;
/// The most servers of one broker.
const MAX_SERVERS: usize = 16;
/// The virtual host of an address without one. It is RabbitMQ's own; ActiveMQ has none.
const DEFAULT_HOST: &str = "/";

/// The address of a broker: `stomp://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]…][/VHOST]`.
///
/// User and password are those of every connection. Without them, each session presents the
/// login of its client. As text, `***` replaces them.
#[derive(Clone, PartialEq, Eq)]
pub struct StompRelayUrl {
    pub(super) servers: Vec<ServerAddress>,
    pub(super) login: Option<RelayLogin>,
    /// The virtual host.
    pub(super) host: String,
    text: String,
}

/// A user with a password.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct RelayLogin {
    pub(super) user: String,
    pub(super) password: String,
}

/// The reason why a text is not the address of a STOMP broker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRelayUrl {
    /// The scheme is not `stomp`.
    #[error("invalid relay address: expected stomp://HOST[:PORT][,HOST[:PORT]…][/VHOST]")]
    Scheme,
    /// A server is missing or invalid.
    #[error("invalid server {number} of the relay address: {reason}")]
    Server {
        /// The place of the server, from 1.
        number: usize,
        /// The reason.
        reason: InvalidBrokerUrl,
    },
    /// The address has too many servers.
    #[error("invalid relay address: expected at most {MAX_SERVERS} servers")]
    TooManyServers,
    /// User, password or virtual host are not UTF-8 once they are decoded.
    #[error("invalid relay address: expected user, password and virtual host in UTF-8")]
    NotUtf8,
    /// A user stands without a password.
    #[error("invalid relay address: expected USER:PASSWORD before @")]
    NoPassword,
}

impl FromStr for StompRelayUrl {
    type Err = InvalidRelayUrl;

    fn from_str(text: &str) -> Result<Self, InvalidRelayUrl> {
        let rest = text.strip_prefix(SCHEME).ok_or(InvalidRelayUrl::Scheme)?;
        let (authority, host) = match rest.split_once('/') {
            Some((authority, host)) if !host.is_empty() => (authority, Some(host)),
            Some((authority, _)) => (authority, None),
            None => (rest, None),
        };
        let (login, servers) = match authority.rsplit_once('@') {
            Some((login, servers)) => (Some(login), servers),
            None => (None, authority),
        };
        let host = match host {
            Some(host) => decode(host)?.into_owned(),
            None => DEFAULT_HOST.to_owned(),
        };
        Ok(Self {
            servers: parse_servers(servers)?,
            login: login.map(parse_login).transpose()?,
            host,
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for StompRelayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact_passwords(&self.text))
    }
}

impl fmt::Debug for StompRelayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn parse_servers(text: &str) -> Result<Vec<ServerAddress>, InvalidRelayUrl> {
    let servers: Vec<_> = text.split(',').collect();
    if servers.len() > MAX_SERVERS {
        return Err(InvalidRelayUrl::TooManyServers);
    }
    let parsed = servers.iter().enumerate().map(|(at, server)| {
        ServerAddress::parse_strict(server, DEFAULT_PORT).map_err(|reason| {
            InvalidRelayUrl::Server {
                number: at + 1,
                reason,
            }
        })
    });
    parsed.collect()
}

fn parse_login(text: &str) -> Result<RelayLogin, InvalidRelayUrl> {
    let (user, password) = text.split_once(':').ok_or(InvalidRelayUrl::NoPassword)?;
    Ok(RelayLogin {
        user: decode(user)?.into_owned(),
        password: decode(password)?.into_owned(),
    })
}

fn decode(text: &str) -> Result<Cow<'_, str>, InvalidRelayUrl> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map_err(|_| InvalidRelayUrl::NotUtf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<StompRelayUrl, InvalidRelayUrl> {
        text.parse()
    }

    #[test]
    fn address_names_servers_login_and_virtual_host() {
        let url = parse("stomp://me:p%40ss@a,b:1234,[::1]:5/home%2F1").unwrap();
        let servers: Vec<_> = url.servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["a:61613", "b:1234", "[::1]:5"]);
        let login = url.login.as_ref().unwrap();
        assert_eq!((&*login.user, &*login.password), ("me", "p@ss"));
        assert_eq!(url.host, "home/1");
        assert!(!url.to_string().contains("p%40ss"), "{url}");
        assert!(!format!("{url:?}").contains("p%40ss"), "{url}");
        for text in ["stomp://a", "stomp://a/", "stomp://a/%2F"] {
            let url = parse(text).unwrap();
            assert_eq!((&*url.host, url.login.is_none()), ("/", true));
        }
    }

    #[test]
    fn invalid_address_names_its_part() {
        for (text, expected) in [
            (
                "http://a",
                "invalid relay address: expected stomp://HOST[:PORT][,HOST[:PORT]…][/VHOST]",
            ),
            (
                "stomp://me@a",
                "invalid relay address: expected USER:PASSWORD before @",
            ),
            (
                "stomp://%ff:p@a",
                "invalid relay address: expected user, password and virtual host in UTF-8",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), expected);
        }
        let second = parse("stomp://a,b:0").unwrap_err();
        assert!(matches!(second, InvalidRelayUrl::Server { number: 2, .. }));
        let many = format!("stomp://{}", vec!["a"; 17].join(","));
        assert_eq!(parse(&many), Err(InvalidRelayUrl::TooManyServers));
    }
}
