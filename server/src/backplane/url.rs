//! Where the backplane is, as it is given on the command line.

use std::{fmt, str::FromStr};

/// Where the backplane is. Each scheme is one file in `backplane/`; a build
/// without a scheme's feature does not know its variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackplaneUrl {
    /// `local://HOST:PORT`: the embedded broker.
    Local {
        /// `HOST:PORT` of the broker.
        authority: String,
    },
    /// `redis://[USER:PASSWORD@]HOST[:PORT]`.
    #[cfg(feature = "redis")]
    Redis(ServerUrl),
    /// `nats://[USER:PASSWORD@]HOST[:PORT]`, or a token instead of user and password.
    #[cfg(feature = "nats")]
    Nats(ServerUrl),
    /// `amqp://[USER:PASSWORD@]HOST[:PORT][/VHOST]`: RabbitMQ.
    #[cfg(feature = "amqp")]
    Amqp(ServerUrl),
}

/// The URL of a broker. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl(String);

/// Why a backplane URL was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBackplaneUrl {
    /// The part before `://` names no backplane, or is missing.
    #[error("unknown backplane {0:?}: accepted are {ACCEPTED}")]
    Scheme(String),
    /// What follows `://` names no server.
    #[error("invalid backplane {found:?}: expected {expected}")]
    Authority {
        /// The URL, without its password.
        found: String,
        /// The accepted form.
        expected: &'static str,
    },
    /// The scheme asks for TLS.
    #[error(
        "backplane {0:?}: TLS to a broker is not built in; use {1}:// inside a private network"
    )]
    Tls(String, &'static str),
    /// This build has no client for the scheme.
    #[error("backplane {0:?}: this build has no {1} client; build it with `--features {1}`")]
    NotBuilt(String, &'static str),
}

const LOCAL: &str = "local://HOST:PORT";
const REDIS: &str = "redis://[USER:PASSWORD@]HOST[:PORT]";
const NATS: &str = "nats://[USER:PASSWORD@]HOST[:PORT]";
const AMQP: &str = "amqp://[USER:PASSWORD@]HOST[:PORT][/VHOST]";
const ACCEPTED: &str = "local://HOST:PORT, redis://HOST, nats://HOST and amqp://HOST";

impl ServerUrl {
    /// The whole of it, password included: for a client library, never for a log.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl FromStr for BackplaneUrl {
    type Err = InvalidBackplaneUrl;

    fn from_str(text: &str) -> Result<Self, InvalidBackplaneUrl> {
        let found = || without_password(text);
        match text.split_once("://") {
            Some(("local", authority)) => local(text, authority),
            Some(("redis", rest)) => redis(parse_server_url(text, rest, REDIS)?),
            Some(("nats", rest)) => nats(parse_server_url(text, rest, NATS)?),
            Some(("amqp", rest)) => amqp(parse_server_url(text, rest, AMQP)?),
            Some(("rediss", _)) => Err(InvalidBackplaneUrl::Tls(found(), "redis")),
            Some(("tls", _)) => Err(InvalidBackplaneUrl::Tls(found(), "nats")),
            Some(("amqps", _)) => Err(InvalidBackplaneUrl::Tls(found(), "amqp")),
            _ => Err(InvalidBackplaneUrl::Scheme(found())),
        }
    }
}

impl fmt::Display for BackplaneUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local { authority } => write!(f, "local://{authority}"),
            #[cfg(feature = "redis")]
            Self::Redis(server) => server.fmt(f),
            #[cfg(feature = "nats")]
            Self::Nats(server) => server.fmt(f),
            #[cfg(feature = "amqp")]
            Self::Amqp(server) => server.fmt(f),
        }
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_password(&self.0))
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn local(text: &str, authority: &str) -> Result<BackplaneUrl, InvalidBackplaneUrl> {
    let authority = authority.trim_end_matches('/');
    match authority.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && is_port(port) => Ok(BackplaneUrl::Local {
            authority: authority.to_owned(),
        }),
        _ => Err(InvalidBackplaneUrl::Authority {
            found: without_password(text),
            expected: LOCAL,
        }),
    }
}

/// Databases do not part Pub/Sub's channels, so none can be chosen.
#[cfg(feature = "redis")]
fn redis(server: ServerUrl) -> Result<BackplaneUrl, InvalidBackplaneUrl> {
    let rest = server.0.split_once("://").map_or("", |(_, rest)| rest);
    if !matches!(&rest[authority(rest).len()..], "" | "/") {
        return Err(InvalidBackplaneUrl::Authority {
            found: server.to_string(),
            expected: REDIS,
        });
    }
    Ok(BackplaneUrl::Redis(server))
}

#[cfg(not(feature = "redis"))]
fn redis(server: ServerUrl) -> Result<BackplaneUrl, InvalidBackplaneUrl> {
    Err(InvalidBackplaneUrl::NotBuilt(server.to_string(), "redis"))
}

#[cfg(feature = "nats")]
fn nats(server: ServerUrl) -> Result<BackplaneUrl, InvalidBackplaneUrl> {
    match super::nats::NatsServer::from_url(&server) {
        Ok(_) => Ok(BackplaneUrl::Nats(server)),
        Err(_) => Err(InvalidBackplaneUrl::Authority {
            found: server.to_string(),
            expected: NATS,
        }),
    }
}

#[cfg(not(feature = "nats"))]
fn nats(server: ServerUrl) -> Result<BackplaneUrl, InvalidBackplaneUrl> {
    Err(InvalidBackplaneUrl::NotBuilt(server.to_string(), "nats"))
}

#[cfg(feature = "amqp")]
fn amqp(server: ServerUrl) -> Result<BackplaneUrl, InvalidBackplaneUrl> {
    match super::amqp::uri(&server) {
        Ok(_) => Ok(BackplaneUrl::Amqp(server)),
        Err(_) => Err(InvalidBackplaneUrl::Authority {
            found: server.to_string(),
            expected: AMQP,
        }),
    }
}

#[cfg(not(feature = "amqp"))]
fn amqp(server: ServerUrl) -> Result<BackplaneUrl, InvalidBackplaneUrl> {
    Err(InvalidBackplaneUrl::NotBuilt(server.to_string(), "amqp"))
}

/// The URL, when `rest` (what follows its `://`) names a host and perhaps a port.
fn parse_server_url(
    text: &str,
    rest: &str,
    expected: &'static str,
) -> Result<ServerUrl, InvalidBackplaneUrl> {
    let authority = authority(rest);
    let place = authority.rsplit_once('@').map_or(authority, |(_, at)| at);
    // An IPv6 address is in brackets, so that its colons are no port's.
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (place, None),
    };
    if host.is_empty() || host.contains(char::is_whitespace) || !port.is_none_or(is_port) {
        return Err(InvalidBackplaneUrl::Authority {
            found: without_password(text),
            expected,
        });
    }
    Ok(ServerUrl(text.to_owned()))
}

fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// `scheme://user:***@host`: for people to read. What stands before the `@` alone may
/// be a user, and may be a token.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let Some((credentials, _)) = authority(rest).rsplit_once('@') else {
        return text.to_owned();
    };
    let after = &rest[credentials.len()..];
    match credentials.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:***{after}"),
        None => format!("{scheme}://***{after}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<BackplaneUrl, InvalidBackplaneUrl> {
        text.parse()
    }

    #[test]
    fn the_embedded_broker_needs_a_host_and_a_port() {
        let url = parse("local://127.0.0.1:7000").unwrap();
        assert_eq!(url.to_string(), "local://127.0.0.1:7000");
        for bad in ["local://", "local://host", "local://:1", "local://h:99999"] {
            let error = parse(bad).unwrap_err();
            assert!(matches!(error, InvalidBackplaneUrl::Authority { .. }));
        }
    }

    #[cfg(feature = "redis")]
    #[test]
    fn a_server_needs_a_host() {
        for good in [
            "redis://h",
            "redis://h:6379/",
            "redis://[::1]",
            "redis://[::1]:6379/",
            "redis://:p@h",
        ] {
            assert!(matches!(parse(good), Ok(BackplaneUrl::Redis(_))), "{good}");
        }
        for bad in [
            "redis://",
            "redis://:1",
            "redis://h:x",
            "redis://u@",
            "redis://a b",
        ] {
            let error = parse(bad).unwrap_err();
            assert!(
                matches!(error, InvalidBackplaneUrl::Authority { .. }),
                "{bad}"
            );
        }
    }

    #[cfg(feature = "redis")]
    #[test]
    fn passwords_are_not_shown() {
        let url = parse("redis://user:p@ss@h:1/").unwrap();
        assert_eq!(url.to_string(), "redis://user:***@h:1/");
        assert_eq!(format!("{url:?}"), "Redis(redis://user:***@h:1/)");
        let BackplaneUrl::Redis(server) = url else {
            unreachable!()
        };
        assert_eq!(server.expose_secret(), "redis://user:p@ss@h:1/");
        let error = parse("redis://user:secret@:1").unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }

    #[cfg(feature = "nats")]
    #[test]
    fn tokens_are_not_shown() {
        let url = parse("nats://secret@h:1").unwrap();
        assert_eq!(url.to_string(), "nats://***@h:1");
        let error = parse("nats://secret@:1").unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn what_is_refused_says_what_is_accepted() {
        let error = parse("kafka://h:1").unwrap_err().to_string();
        assert_eq!(
            error,
            "unknown backplane \"kafka://h:1\": accepted are \
             local://HOST:PORT, redis://HOST, nats://HOST and amqp://HOST"
        );
        let error = parse("rediss://h").unwrap_err().to_string();
        assert!(error.contains("use redis:// inside"), "{error}");
    }
}
