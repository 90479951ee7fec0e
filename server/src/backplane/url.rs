//! The address of the backplane, as the command line names it.

use std::{fmt, net::IpAddr, str::FromStr};

use highwater_types::{BrokerKind, BrokerUrl, InvalidBrokerUrl, redact_passwords};

use super::transports::transport;
use crate::net::tls::BrokerCa;

/// The address of a backplane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackplaneUrl {
    /// The embedded broker: `local://HOST:PORT`.
    Local {
        /// The broker's `HOST:PORT`.
        authority: String,
    },
    /// A message broker for which this build has a client. Only parsing creates it.
    #[non_exhaustive]
    Broker(BrokerUrl),
}

/// An error for a text that is not the address of a backplane.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBackplaneUrl {
    /// The part before `://` is missing or names no backplane.
    #[error("invalid backplane {0:?}: expected {forms}", forms = accepted_forms())]
    Scheme(String),
    /// The part after `://` names no server.
    #[error("invalid backplane {found:?}: expected {expected}")]
    Authority {
        /// The address without its password.
        found: String,
        /// The accepted form.
        expected: &'static str,
    },
    /// The part after `://` names several servers or Sentinels, and is invalid.
    #[error("invalid backplane {found:?}: {reason}: expected {expected}")]
    Servers {
        /// The address without its password.
        found: String,
        /// The place of the server, and its defect.
        reason: InvalidBrokerUrl,
        /// The accepted form.
        expected: &'static str,
    },
    /// This build has no client for the scheme.
    #[error(
        "cannot use backplane {0:?}: this build has no {1} client; \
         hint: build it with `--features {1}`"
    )]
    NotBuilt(String, &'static str),
}

const LOCAL: &str = "local://HOST:PORT";

impl FromStr for BackplaneUrl {
    type Err = InvalidBackplaneUrl;

    fn from_str(text: &str) -> Result<Self, InvalidBackplaneUrl> {
        // Errors go to logs and terminals, so they never quote a password.
        let found = || redact_passwords(text).into_owned();
        let unknown = || InvalidBackplaneUrl::Scheme(found());
        let (scheme, rest) = text.split_once("://").ok_or_else(unknown)?;
        if scheme == "local" {
            return local(text, rest);
        }
        let protocol = scheme.strip_suffix("+sentinel").unwrap_or(scheme);
        let kind = BrokerKind::from_scheme(protocol)
            .or_else(|| BrokerKind::from_tls_scheme(protocol))
            .ok_or_else(unknown)?;
        let invalid = || InvalidBackplaneUrl::Authority {
            found: found(),
            expected: kind.url_form(),
        };
        let url = BrokerUrl::parse(text).map_err(|error| match error {
            InvalidBrokerUrl::Scheme(_) => unknown(),
            InvalidBrokerUrl::Server { .. }
            | InvalidBrokerUrl::TooManyServers
            | InvalidBrokerUrl::NoPrimary => InvalidBackplaneUrl::Servers {
                found: found(),
                reason: error,
                expected: kind.url_form(),
            },
            _ => invalid(),
        })?;
        let transport =
            transport(kind).map_err(|feature| InvalidBackplaneUrl::NotBuilt(found(), feature))?;
        // The client library's own error may quote the URL, so the accepted form replaces it.
        for server in url.single_urls() {
            (transport.check_url)(&server).map_err(|_| invalid())?;
        }
        Ok(Self::Broker(url))
    }
}

impl BackplaneUrl {
    /// Returns the address with the authorities, in PEM, that sign the certificates of a
    /// broker.
    #[must_use]
    pub fn with_ca(self, ca: &BrokerCa) -> Self {
        match self {
            Self::Broker(url) => Self::Broker(url.with_ca(ca.pem())),
            local => local,
        }
    }
}

impl fmt::Display for BackplaneUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local { authority } => write!(f, "local://{authority}"),
            Self::Broker(url) => url.fmt(f),
        }
    }
}

impl BackplaneUrl {
    /// Whether it names an embedded broker that may be on another machine. Its peers need a
    /// cluster secret.
    pub fn needs_cluster_secret(&self) -> bool {
        let Self::Local { authority } = self else {
            return false;
        };
        let host = authority.rsplit_once(':').map_or("", |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_loopback = |ip: IpAddr| ip.to_canonical().is_loopback();
        host != "localhost" && !host.parse().is_ok_and(is_loopback)
    }
}

fn local(text: &str, authority: &str) -> Result<BackplaneUrl, InvalidBackplaneUrl> {
    // A trailing slash is usual in URLs and means nothing here.
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

/// Returns the accepted forms, as a list in words.
fn accepted_forms() -> String {
    let forms: Vec<String> = BrokerKind::ALL
        .iter()
        .map(|kind| format!("{}://HOST", kind.scheme()))
        .collect();
    match forms.split_last() {
        Some((last, others)) => format!("{LOCAL}, {} and {last}", others.join(", ")),
        None => LOCAL.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<BackplaneUrl, InvalidBackplaneUrl> {
        text.parse()
    }

    fn error(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    fn check(valid: &[&str], without_server: &[&str]) {
        for text in valid {
            assert!(parse(text).is_ok(), "{text}");
        }
        for text in without_server {
            let error = parse(text).unwrap_err();
            let is_authority = matches!(error, InvalidBackplaneUrl::Authority { .. });
            assert!(is_authority, "{text}: {error}");
        }
    }

    #[test]
    fn embedded_broker_needs_a_host_and_a_port() {
        check(
            &["local://127.0.0.1:7000", "local://127.0.0.1:7000/"],
            &["local://", "local://host", "local://:1", "local://h:99999"],
        );
        let url = parse("local://127.0.0.1:7000/").unwrap();
        assert_eq!(url.to_string(), "local://127.0.0.1:7000");
    }

    #[test]
    fn embedded_broker_off_loopback_needs_a_secret() {
        for (url, needs_secret) in [
            ("local://127.0.0.1:7000", false),
            ("local://127.9.9.9:7000", false),
            ("local://localhost:7000", false),
            ("local://[::1]:7000", false),
            ("local://10.0.0.1:7000", true),
            ("local://[::]:7000", true),
            ("local://broker:7000", true),
        ] {
            let url = parse(url).unwrap();
            assert_eq!(url.needs_cluster_secret(), needs_secret, "{url}");
        }
    }

    #[cfg(feature = "redis")]
    #[test]
    fn broker_needs_a_host() {
        check(
            &[
                "redis://h",
                "redis://h:6379/",
                "redis://[::1]",
                "redis://[::1]:6379/",
                "redis://:p@h",
            ],
            &[
                "redis://",
                "redis://:1",
                "redis://h:x",
                "redis://u@",
                "redis://a b",
            ],
        );
    }

    #[cfg(all(feature = "redis", feature = "nats"))]
    #[test]
    fn password_and_token_are_redacted() {
        let url = parse("redis://user:p@ss@h:1/").unwrap();
        assert_eq!(format!("{url:?}"), "Broker(redis://***@h:1/)");
        for (text, redacted) in [
            ("redis://user:p@ss@h:1/", "redis://***@h:1/"),
            ("nats://secret@h:1", "nats://***@h:1"),
        ] {
            let url = parse(text).unwrap();
            assert_eq!(url.to_string(), redacted);
            assert!(matches!(url, BackplaneUrl::Broker(server) if server.expose_secret() == text));
        }
        for text in ["redis://user:secret@:1", "nats://secret@:1"] {
            let error = error(text);
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[cfg(all(feature = "redis", feature = "nats", feature = "amqp"))]
    #[test]
    fn several_servers_are_accepted_and_an_invalid_one_is_named() {
        for text in [
            "redis://u:p@a,b:1,[::1]:2",
            "nats://token@a,b:1,[::1]:2",
            "rediss://u:p@a,b",
            "redis+sentinel://u:p@a,b:1/primary",
            "tls://token@a,b",
            "nats+tls://a,b",
            "amqps://u:p@a,b/%2f",
            "amqp://u:p@a,b:1,[::1]:2/%2f",
        ] {
            assert!(parse(text).is_ok(), "{text}");
        }
        assert_eq!(
            error("redis://:secret@a,,c"),
            "invalid backplane \"redis://***@a,,c\": server 2 of the address: an address \
             without a host: expected redis://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]]"
        );
        let error = error("nats://a,b:x");
        assert!(
            error.contains("server 2 of the address: not a port"),
            "{error}"
        );
    }

    #[test]
    fn unknown_scheme_error_states_the_accepted_forms() {
        let unknown = error("kafka://h:1");
        let expected = "invalid backplane \"kafka://h:1\": expected \
                        local://HOST:PORT, redis://HOST, nats://HOST";
        assert!(unknown.starts_with(expected), "{unknown}");
        let last = BrokerKind::ALL[BrokerKind::ALL.len() - 1].scheme();
        assert!(
            unknown.ends_with(&format!(" and {last}://HOST")),
            "{unknown}"
        );
        let sentinels = error("nats+sentinel://h/p");
        assert!(sentinels.contains("expected local://"), "{sentinels}");
    }
}
