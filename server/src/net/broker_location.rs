//! The place of a broker, as an option of the command line names it.

use std::{fmt, net::IpAddr};

use highwater_types::{BrokerKind, BrokerUrl, InvalidBrokerUrl, redact_passwords};

use super::tls::BrokerCa;

/// The place of a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BrokerLocation {
    /// The embedded broker: `local://HOST:PORT`.
    Embedded {
        /// The broker's `HOST:PORT`.
        authority: String,
    },
    /// A message broker for which this build has a client.
    External(BrokerUrl),
}

/// The purpose for which an option names a broker.
pub(crate) struct BrokerPurpose {
    /// The purpose in error messages.
    pub(crate) name: &'static str,
    /// Whether brokers of a kind serve the purpose.
    pub(crate) is_served_by: fn(BrokerKind) -> bool,
    /// Checks the address of one server with the client library of this build.
    pub(crate) check_url: fn(&BrokerUrl) -> Result<(), UrlRejection>,
}

/// The reason why this build cannot use an address.
pub(crate) enum UrlRejection {
    /// The build lacks the client, which this Cargo feature adds.
    NotBuilt(&'static str),
    /// The client of this build has no TLS.
    #[cfg_attr(
        not(feature = "kafka"),
        allow(dead_code, reason = "made by one client alone")
    )]
    WithoutTls,
    /// The address does not have the form of its broker.
    #[cfg_attr(
        not(feature = "remote"),
        expect(dead_code, reason = "a build without any broker's client")
    )]
    Invalid,
}

/// An error for a text that does not name a broker for a purpose.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBrokerLocation {
    /// The part before `://` is missing or names no broker.
    #[error("invalid {purpose} {found:?}: expected {forms}")]
    Scheme {
        /// The purpose of the broker.
        purpose: &'static str,
        /// The address without its password.
        found: String,
        /// The accepted forms.
        forms: String,
    },
    /// Brokers of the kind do not serve the purpose.
    #[error("invalid {purpose} {found:?}: {broker} cannot be a {purpose}; expected {forms}")]
    Purpose {
        /// The purpose of the broker.
        purpose: &'static str,
        /// The address without its password.
        found: String,
        /// The name of the product.
        broker: &'static str,
        /// The accepted forms.
        forms: String,
    },
    /// The part after `://` names no server.
    #[error("invalid {purpose} {found:?}: expected {expected}")]
    Authority {
        /// The purpose of the broker.
        purpose: &'static str,
        /// The address without its password.
        found: String,
        /// The accepted form.
        expected: &'static str,
    },
    /// The part after `://` names several servers or Sentinels, and is invalid.
    #[error("invalid {purpose} {found:?}: {reason}: expected {expected}")]
    Servers {
        /// The purpose of the broker.
        purpose: &'static str,
        /// The address without its password.
        found: String,
        /// The place of the server, and its defect.
        reason: InvalidBrokerUrl,
        /// The accepted form.
        expected: &'static str,
    },
    /// The client has no TLS.
    #[error(
        "cannot use {purpose} {found:?}: this build has no TLS to {broker}; \
         hint: use {scheme}://, on a network that you trust"
    )]
    WithoutTls {
        /// The purpose of the broker.
        purpose: &'static str,
        /// The address without its password.
        found: String,
        /// The name of the product.
        broker: &'static str,
        /// The scheme without TLS.
        scheme: &'static str,
    },
    /// This build has no client for the scheme.
    #[error(
        "cannot use {purpose} {found:?}: this build has no {feature} client; \
         hint: build it with `--features {feature}`"
    )]
    NotBuilt {
        /// The purpose of the broker.
        purpose: &'static str,
        /// The address without its password.
        found: String,
        /// The Cargo feature that adds the client.
        feature: &'static str,
    },
}

const LOCAL: &str = "local://HOST:PORT";

impl BrokerLocation {
    /// Parses the address of a broker that serves a purpose.
    pub(crate) fn parse(
        text: &str,
        purpose: &BrokerPurpose,
    ) -> Result<Self, InvalidBrokerLocation> {
        let unknown = || purpose.unknown_scheme(text);
        let (scheme, rest) = text.split_once("://").ok_or_else(unknown)?;
        if scheme == "local" {
            return purpose.parse_embedded(text, rest);
        }
        let protocol = scheme.strip_suffix("+sentinel").unwrap_or(scheme);
        let kind = BrokerKind::from_scheme(protocol)
            .or_else(|| BrokerKind::from_tls_scheme(protocol))
            .ok_or_else(unknown)?;
        if !(purpose.is_served_by)(kind) {
            return Err(purpose.not_served_by(kind, text));
        }
        purpose.parse_external(text, kind)
    }

    /// Returns the location with the authorities, in PEM, that sign the certificates of a
    /// broker.
    #[must_use]
    pub(crate) fn with_ca(self, ca: &BrokerCa) -> Self {
        match self {
            Self::External(url) => Self::External(url.with_ca(ca.pem())),
            embedded => embedded,
        }
    }

    /// Whether it is an embedded broker that may be on another machine. Its peers need a
    /// cluster secret.
    pub(crate) fn needs_cluster_secret(&self) -> bool {
        let Self::Embedded { authority } = self else {
            return false;
        };
        let host = authority.rsplit_once(':').map_or("", |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_loopback = |ip: IpAddr| ip.to_canonical().is_loopback();
        host != "localhost" && !host.parse().is_ok_and(is_loopback)
    }
}

impl fmt::Display for BrokerLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded { authority } => write!(f, "local://{authority}"),
            Self::External(url) => url.fmt(f),
        }
    }
}

impl BrokerPurpose {
    fn parse_embedded(
        &self,
        text: &str,
        authority: &str,
    ) -> Result<BrokerLocation, InvalidBrokerLocation> {
        // A trailing slash is usual in URLs and means nothing here.
        let authority = authority.trim_end_matches('/');
        let is_port = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0);
        match authority.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && is_port(port) => {
                Ok(BrokerLocation::Embedded {
                    authority: authority.to_owned(),
                })
            }
            _ => Err(self.invalid_authority(text, LOCAL)),
        }
    }

    fn parse_external(
        &self,
        text: &str,
        kind: BrokerKind,
    ) -> Result<BrokerLocation, InvalidBrokerLocation> {
        let invalid = || self.invalid_authority(text, kind.url_form());
        let url = BrokerUrl::parse(text).map_err(|error| match error {
            InvalidBrokerUrl::Scheme(_) => self.unknown_scheme(text),
            InvalidBrokerUrl::Server { .. }
            | InvalidBrokerUrl::TooManyServers
            | InvalidBrokerUrl::SeveralServers
            | InvalidBrokerUrl::NoPrimary => InvalidBrokerLocation::Servers {
                purpose: self.name,
                found: found(text),
                reason: error,
                expected: kind.url_form(),
            },
            _ => invalid(),
        })?;
        // The client library's own error may quote the URL, so the accepted form replaces it.
        for server in url.single_urls() {
            (self.check_url)(&server).map_err(|rejection| match rejection {
                UrlRejection::Invalid => invalid(),
                UrlRejection::WithoutTls => InvalidBrokerLocation::WithoutTls {
                    purpose: self.name,
                    found: found(text),
                    broker: kind.name(),
                    scheme: kind.scheme(),
                },
                UrlRejection::NotBuilt(feature) => InvalidBrokerLocation::NotBuilt {
                    purpose: self.name,
                    found: found(text),
                    feature,
                },
            })?;
        }
        Ok(BrokerLocation::External(url))
    }

    fn unknown_scheme(&self, text: &str) -> InvalidBrokerLocation {
        InvalidBrokerLocation::Scheme {
            purpose: self.name,
            found: found(text),
            forms: self.accepted_forms(),
        }
    }

    fn not_served_by(&self, kind: BrokerKind, text: &str) -> InvalidBrokerLocation {
        InvalidBrokerLocation::Purpose {
            purpose: self.name,
            found: found(text),
            broker: kind.name(),
            forms: self.accepted_forms(),
        }
    }

    fn invalid_authority(&self, text: &str, expected: &'static str) -> InvalidBrokerLocation {
        InvalidBrokerLocation::Authority {
            purpose: self.name,
            found: found(text),
            expected,
        }
    }

    /// Returns the accepted forms, as a list in words.
    fn accepted_forms(&self) -> String {
        let kinds = BrokerKind::ALL.into_iter();
        let forms: Vec<String> = kinds
            .filter(|kind| (self.is_served_by)(*kind))
            .map(|kind| format!("{}://HOST", kind.scheme()))
            .collect();
        match forms.split_last() {
            Some((last, others)) => {
                let first = [LOCAL].into_iter().chain(others.iter().map(String::as_str));
                let first: Vec<&str> = first.collect();
                format!("{} and {last}", first.join(", "))
            }
            None => LOCAL.to_owned(),
        }
    }
}

/// Returns an address for an error message. Errors go to logs and terminals, so they never quote
/// a password.
fn found(text: &str) -> String {
    redact_passwords(text).into_owned()
}
