//! The address of the backplane, as the command line names it.

use std::{fmt, str::FromStr};

use highwater_types::{BrokerKind, BrokerUrl, redact_passwords};

/// The address of a backplane. A build without the feature of a broker lacks its
/// variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackplaneUrl {
    /// `local://HOST:PORT`: the embedded broker.
    Local {
        /// `HOST:PORT` of the broker.
        authority: String,
    },
    /// `redis://[USER:PASSWORD@]HOST[:PORT]`.
    #[cfg(feature = "redis")]
    Redis(BrokerUrl),
    /// `nats://[USER:PASSWORD@]HOST[:PORT]`, or a token instead of user and password.
    #[cfg(feature = "nats")]
    Nats(BrokerUrl),
    /// `amqp://[USER:PASSWORD@]HOST[:PORT][/VHOST]`: RabbitMQ.
    #[cfg(feature = "amqp")]
    Amqp(BrokerUrl),
}

/// An error for a text that is not the address of a backplane.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBackplaneUrl {
    /// The part before `://` is missing or names no backplane.
    #[error("unknown backplane {0:?}: accepted are {ACCEPTED}")]
    Scheme(String),
    /// The part after `://` names no server.
    #[error("invalid backplane {found:?}: expected {expected}")]
    Authority {
        /// The address without its password.
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
const ACCEPTED: &str = "local://HOST:PORT, redis://HOST, nats://HOST and amqp://HOST";

impl FromStr for BackplaneUrl {
    type Err = InvalidBackplaneUrl;

    fn from_str(text: &str) -> Result<Self, InvalidBackplaneUrl> {
        let found = || redact_passwords(text).into_owned();
        let unknown = || InvalidBackplaneUrl::Scheme(found());
        let (scheme, rest) = text.split_once("://").ok_or_else(unknown)?;
        if scheme == "local" {
            return local(text, rest);
        }
        if let Some(kind) = BrokerKind::from_tls_scheme(scheme) {
            return Err(InvalidBackplaneUrl::Tls(found(), kind.scheme()));
        }
        let kind = BrokerKind::from_scheme(scheme).ok_or_else(unknown)?;
        let invalid = || InvalidBackplaneUrl::Authority {
            found: found(),
            expected: kind.url_form(),
        };
        let url = BrokerUrl::parse(text).map_err(|_| invalid())?;
        with_client(url)?.ok_or_else(invalid)
    }
}

impl fmt::Display for BackplaneUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local { authority } => write!(f, "local://{authority}"),
            #[cfg(feature = "redis")]
            Self::Redis(url) => url.fmt(f),
            #[cfg(feature = "nats")]
            Self::Nats(url) => url.fmt(f),
            #[cfg(feature = "amqp")]
            Self::Amqp(url) => url.fmt(f),
        }
    }
}

fn local(text: &str, authority: &str) -> Result<BackplaneUrl, InvalidBackplaneUrl> {
    let authority = authority.trim_end_matches('/');
    let is_port = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0);
    match authority.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && is_port(port) => Ok(BackplaneUrl::Local {
            authority: authority.to_owned(),
        }),
        _ => Err(InvalidBackplaneUrl::Authority {
            found: redact_passwords(text).into_owned(),
            expected: LOCAL,
        }),
    }
}

/// Returns the address for its client library, or `None` if that rejects it.
fn with_client(url: BrokerUrl) -> Result<Option<BackplaneUrl>, InvalidBackplaneUrl> {
    match url.kind() {
        // Redis shares the channels of Pub/Sub between its databases, so an address that
        // names a database would promise a separation that does not exist.
        #[cfg(feature = "redis")]
        BrokerKind::Redis => Ok(matches!(url.path(), "" | "/").then_some(BackplaneUrl::Redis(url))),
        #[cfg(feature = "nats")]
        BrokerKind::Nats => Ok(super::nats::NatsServer::from_url(&url)
            .is_ok()
            .then_some(BackplaneUrl::Nats(url))),
        #[cfg(feature = "amqp")]
        BrokerKind::RabbitMq => Ok(super::amqp::uri(&url)
            .is_ok()
            .then_some(BackplaneUrl::Amqp(url))),
        #[cfg(not(all(feature = "redis", feature = "nats", feature = "amqp")))]
        kind => Err(InvalidBackplaneUrl::NotBuilt(
            url.to_string(),
            kind.scheme(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<BackplaneUrl, InvalidBackplaneUrl> {
        text.parse()
    }

    #[test]
    fn embedded_broker_needs_a_host_and_a_port() {
        let url = parse("local://127.0.0.1:7000").unwrap();
        assert_eq!(url.to_string(), "local://127.0.0.1:7000");
        for bad in ["local://", "local://host", "local://:1", "local://h:99999"] {
            let error = parse(bad).unwrap_err();
            assert!(matches!(error, InvalidBackplaneUrl::Authority { .. }));
        }
    }

    #[cfg(feature = "redis")]
    #[test]
    fn broker_needs_a_host() {
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
    fn password_is_redacted() {
        let url = parse("redis://user:p@ss@h:1/").unwrap();
        assert_eq!(url.to_string(), "redis://***@h:1/");
        assert_eq!(format!("{url:?}"), "Redis(redis://***@h:1/)");
        let BackplaneUrl::Redis(server) = url else {
            unreachable!()
        };
        assert_eq!(server.expose_secret(), "redis://user:p@ss@h:1/");
        let error = parse("redis://user:secret@:1").unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }

    #[cfg(feature = "nats")]
    #[test]
    fn token_is_redacted() {
        let url = parse("nats://secret@h:1").unwrap();
        assert_eq!(url.to_string(), "nats://***@h:1");
        let error = parse("nats://secret@:1").unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn unknown_scheme_error_states_the_accepted_forms() {
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
