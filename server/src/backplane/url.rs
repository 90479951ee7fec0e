//! The address of the backplane, as the command line names it.

use std::{fmt, str::FromStr};

use highwater_types::{BrokerKind, BrokerUrl};

use super::transports::{NoTransport, transport};
use crate::net::{
    broker_location::{BrokerLocation, BrokerPurpose, InvalidBrokerLocation, UrlRejection},
    tls::BrokerCa,
};

/// The address of a backplane: the embedded broker, or a message broker that joins nodes and for
/// which this build has a client. Only parsing creates it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackplaneUrl(BrokerLocation);

const BACKPLANE: BrokerPurpose = BrokerPurpose {
    name: "backplane",
    is_served_by: BrokerKind::is_backplane,
    check_url: check_broker_url,
};

impl FromStr for BackplaneUrl {
    type Err = InvalidBrokerLocation;

    fn from_str(text: &str) -> Result<Self, InvalidBrokerLocation> {
        BrokerLocation::parse(text, &BACKPLANE).map(Self)
    }
}

impl BackplaneUrl {
    /// Returns the address with the authorities, in PEM, that sign the certificates of a
    /// broker.
    #[must_use]
    pub fn with_ca(self, ca: &BrokerCa) -> Self {
        Self(self.0.with_ca(ca))
    }

    /// Whether it names an embedded broker that may be on another machine. Its peers need a
    /// cluster secret.
    pub fn needs_cluster_secret(&self) -> bool {
        self.0.needs_cluster_secret()
    }

    pub(crate) fn location(&self) -> &BrokerLocation {
        &self.0
    }
}

impl fmt::Display for BackplaneUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Checks the address of one server with the client library of its broker.
pub(crate) fn check_broker_url(url: &BrokerUrl) -> Result<(), UrlRejection> {
    match transport(url.kind()) {
        Ok(transport) => (transport.check_url)(url).map_err(|_| UrlRejection::Invalid),
        Err(NoTransport::NotBuilt(feature)) => Err(UrlRejection::NotBuilt(feature)),
        Err(NoTransport::NotABackplane) => Err(UrlRejection::Invalid),
    }
}

#[cfg(test)]
mod tests {
    use highwater_types::BrokerKind;

    use super::*;
    use crate::backplane::transports::NoTransport;

    fn parse(text: &str) -> Result<BackplaneUrl, InvalidBrokerLocation> {
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
            let is_authority = matches!(error, InvalidBrokerLocation::Authority { .. });
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
        assert_eq!(
            format!("{url:?}"),
            "BackplaneUrl(External(redis://***@h:1/))"
        );
        for (text, redacted) in [
            ("redis://user:p@ss@h:1/", "redis://***@h:1/"),
            ("nats://secret@h:1", "nats://***@h:1"),
        ] {
            let url = parse(text).unwrap();
            assert_eq!(url.to_string(), redacted);
            assert!(matches!(url.0, BrokerLocation::External(url) if url.expose_secret() == text));
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
        let unknown = error("mqtt://h:1");
        let expected = "invalid backplane \"mqtt://h:1\": expected \
                        local://HOST:PORT, redis://HOST, nats://HOST";
        assert!(unknown.starts_with(expected), "{unknown}");
        let mut kinds = BrokerKind::ALL.into_iter();
        let last = kinds.rfind(|kind| kind.is_backplane());
        let last = last.unwrap().scheme();
        assert!(
            unknown.ends_with(&format!(" and {last}://HOST")),
            "{unknown}"
        );
        let sentinels = error("nats+sentinel://h/p");
        assert!(sentinels.contains("expected local://"), "{sentinels}");
    }

    #[test]
    fn broker_that_joins_no_nodes_is_rejected() {
        let error = error("kafka://h:1");
        let expected = "invalid backplane \"kafka://h:1\": Kafka cannot be a backplane; expected ";
        assert!(error.starts_with(expected), "{error}");
    }

    #[test]
    fn kinds_that_join_nodes_have_a_transport() {
        for kind in BrokerKind::ALL {
            let is_missing = matches!(transport(kind), Err(NoTransport::NotABackplane));
            assert_eq!(kind.is_backplane(), !is_missing, "{kind:?}");
        }
    }
}
