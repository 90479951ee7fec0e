//! The address of a broker that joins the nodes. Only client libraries get its
//! password.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{broker_kind::BrokerKind, redact::redact_passwords};

/// Longest address that a scenario may hold, in bytes.
const MAX_URL_BYTES: usize = 2_000;

/// The address of a broker: `redis://[user:password@]host[:port][/path]`, or the same
/// with another scheme of [`BrokerKind`].
///
/// `***` replaces user and password as text, in JSON and for debugging. Only
/// [`BrokerUrl::expose_secret`] returns them.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerUrl {
    kind: BrokerKind,
    text: String,
}

/// An error for a text that is not the address of a broker. It never quotes what may be
/// a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBrokerUrl {
    /// The text has no `://`.
    #[error("no address of a broker")]
    NoScheme,
    /// The part before `://` names no known broker.
    #[error("unknown broker `{0}`")]
    Scheme(String),
    /// The host is missing.
    #[error("an address without a host")]
    NoHost,
    /// The host is neither a name nor an IP address.
    #[error("not a host's name: `{0}`")]
    Host(String),
    /// The port is not a number in range.
    #[error("not a port from 1 to 65535")]
    Port,
    /// A character must be percent-encoded.
    #[error("an address with `{0}` in it")]
    Character(String),
    /// The address is longer than any real one.
    #[error("an address that is too long")]
    TooLong,
}

impl BrokerUrl {
    /// Parses the address of a broker by its structure: a known scheme, a host, and
    /// perhaps a port. Client libraries judge the rest.
    ///
    /// # Errors
    ///
    /// [`InvalidBrokerUrl`] if a part is missing or invalid.
    pub fn parse(text: &str) -> Result<Self, InvalidBrokerUrl> {
        let (kind, rest) = split_scheme(text)?;
        let (host, port) = split_port(host_and_port(rest));
        if host.is_empty() {
            return Err(InvalidBrokerUrl::NoHost);
        }
        if host.contains(char::is_whitespace) {
            // Escaped, because control characters must not reach the terminal.
            return Err(InvalidBrokerUrl::Host(host.escape_debug().to_string()));
        }
        check_port(port)?;
        Ok(Self {
            kind,
            text: text.to_owned(),
        })
    }

    /// Parses the address of a broker in a scenario, where it is also checked for
    /// length, characters and a valid host name.
    ///
    /// # Errors
    ///
    /// [`InvalidBrokerUrl`] if a part is missing or invalid.
    pub fn parse_strict(text: &str) -> Result<Self, InvalidBrokerUrl> {
        // First, because later errors quote parts of the text.
        if text.len() > MAX_URL_BYTES {
            return Err(InvalidBrokerUrl::TooLong);
        }
        let (_, rest) = split_scheme(text)?;
        if let Some(c) = rest.chars().find(|c| !is_allowed(*c)) {
            return Err(InvalidBrokerUrl::Character(c.escape_debug().to_string()));
        }
        let url = Self::parse(text)?;
        check_host(split_port(url.host_and_port()).0)?;
        Ok(url)
    }

    /// Returns the kind of the broker.
    pub fn kind(&self) -> BrokerKind {
        self.kind
    }

    /// Returns the host: a name, or an IP address without brackets.
    pub fn host(&self) -> &str {
        let (host, _) = split_port(self.host_and_port());
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Returns the port, by default that of the broker's kind.
    pub fn port(&self) -> u16 {
        let (_, port) = split_port(self.host_and_port());
        let given = port.strip_prefix(':').and_then(|port| port.parse().ok());
        given.unwrap_or_else(|| self.kind.default_port())
    }

    /// Returns the part after host and port: empty, or a path, a query or a fragment
    /// with its first character.
    pub fn path(&self) -> &str {
        let rest = self.after_scheme();
        &rest[authority(rest).len()..]
    }

    /// Returns the address with user and password, for client libraries alone.
    pub fn expose_secret(&self) -> &str {
        &self.text
    }

    fn host_and_port(&self) -> &str {
        host_and_port(self.after_scheme())
    }

    fn after_scheme(&self) -> &str {
        let (_, rest) = self.text.split_once("://").unwrap_or_default();
        rest
    }
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact_passwords(&self.text))
    }
}

// A derived implementation would show the password in a log.
impl fmt::Debug for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for BrokerUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A plan is written into the run record, which must not hold the password.
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BrokerUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // The `***` of a record passes, because `*` may stand in a user name (RFC 3986, section
        // 3.2.1).
        Self::parse_strict(&text).map_err(serde::de::Error::custom)
    }
}

fn split_scheme(text: &str) -> Result<(BrokerKind, &str), InvalidBrokerUrl> {
    let (scheme, rest) = text.split_once("://").ok_or(InvalidBrokerUrl::NoScheme)?;
    let kind = BrokerKind::from_scheme(scheme)
        .ok_or_else(|| InvalidBrokerUrl::Scheme(scheme.escape_debug().to_string()))?;
    Ok((kind, rest))
}

fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

fn host_and_port(rest: &str) -> &str {
    let authority = authority(rest);
    // The last `@`: a password may contain others.
    authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host)
}

/// Splits off `:PORT`, which may be empty. The host keeps the brackets of an IPv6
/// address (RFC 3986, section 3.2.2), whose colons separate no port.
fn split_port(text: &str) -> (&str, &str) {
    let from = text.rfind(']').map_or(0, |bracket| bracket + 1);
    let colon = text[from..].find(':').map(|colon| from + colon);
    text.split_at(colon.unwrap_or(text.len()))
}

fn check_host(host: &str) -> Result<(), InvalidBrokerUrl> {
    let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let bracketed = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    match bracketed {
        Some(v6) if v6.parse::<std::net::Ipv6Addr>().is_ok() => Ok(()),
        None if host.chars().all(in_name) => Ok(()),
        _ => Err(InvalidBrokerUrl::Host(host.escape_debug().to_string())),
    }
}

fn check_port(port: &str) -> Result<(), InvalidBrokerUrl> {
    // `u16::from_str` alone would take a sign.
    let is_port = |digits: &str| {
        digits.bytes().all(|byte| byte.is_ascii_digit())
            && digits.parse::<u16>().is_ok_and(|port| port > 0)
    };
    match port.strip_prefix(':') {
        Some(digits) if !is_port(digits) => Err(InvalidBrokerUrl::Port),
        _ => Ok(()),
    }
}

/// Whether a character may stand in an address. A comma may not, because some client
/// libraries take it for the separator of several addresses.
fn is_allowed(c: char) -> bool {
    c.is_ascii_graphic()
        && !matches!(
            c,
            '#' | '"' | '\'' | '<' | '>' | '\\' | '^' | '`' | '|' | ','
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_has_a_kind_a_host_and_a_port() {
        for (text, kind, host, port) in [
            ("redis://127.0.0.1", BrokerKind::Redis, "127.0.0.1", 6379),
            ("redis://:pw@cache:7000/2", BrokerKind::Redis, "cache", 7000),
            ("nats://[::1]:4223", BrokerKind::Nats, "::1", 4223),
            ("nats://[::1]", BrokerKind::Nats, "::1", 4222),
            ("amqp://u:p@mq/%2f", BrokerKind::RabbitMq, "mq", 5672),
        ] {
            let url = BrokerUrl::parse_strict(text).unwrap();
            assert_eq!((url.kind(), url.host(), url.port()), (kind, host, port));
            assert_eq!(url.expose_secret(), text);
        }
    }

    #[test]
    fn path_begins_after_host_and_port() {
        let path = |text| BrokerUrl::parse(text).unwrap().path().to_owned();
        assert_eq!(path("redis://h:1"), "");
        assert_eq!(path("redis://u:p@h/0"), "/0");
        assert_eq!(path("redis://h?a=b"), "?a=b");
    }

    #[test]
    fn invalid_address_is_rejected_with_the_reason() {
        use InvalidBrokerUrl as Invalid;
        for (text, expected) in [
            ("localhost:6379", Invalid::NoScheme),
            ("kafka://h:1", Invalid::Scheme("kafka".to_owned())),
            ("redis://", Invalid::NoHost),
            ("redis://:secret@:6379", Invalid::NoHost),
            ("redis://ho st", Invalid::Character(" ".to_owned())),
            ("redis://h\"", Invalid::Character("\\\"".to_owned())),
            ("redis://a,b", Invalid::Character(",".to_owned())),
            ("redis://[::g]:1", Invalid::Host("[::g]".to_owned())),
            ("redis://{h}", Invalid::Host("{h}".to_owned())),
            ("redis://h:0", Invalid::Port),
            ("redis://h:65536", Invalid::Port),
            ("redis://h:", Invalid::Port),
            ("redis://h:+1", Invalid::Port),
        ] {
            assert_eq!(BrokerUrl::parse_strict(text), Err(expected), "{text}");
        }
        let long = format!("redis://{}", "h".repeat(3_000));
        assert_eq!(BrokerUrl::parse_strict(&long), Err(Invalid::TooLong));
    }

    #[test]
    fn unusual_password_is_accepted_outside_scenarios() {
        assert!(BrokerUrl::parse("redis://:a^b,c@h").is_ok());
        assert!(BrokerUrl::parse("redis://a b").is_err());
    }

    #[test]
    fn password_is_absent_from_every_text() {
        let url = BrokerUrl::parse_strict("redis://me:s3cret@127.0.0.1:6379/1").unwrap();
        let redacted = "redis://***@127.0.0.1:6379/1";
        assert_eq!(url.to_string(), redacted);
        assert_eq!(format!("{url:?}"), redacted);
        let json = serde_json::to_string(&url).unwrap();
        assert_eq!(json, format!("{redacted:?}"));
        // A plan of a run record can be read again.
        let read: BrokerUrl = serde_json::from_str(&json).unwrap();
        assert_eq!(read.to_string(), redacted);
        let open = "nats://127.0.0.1:4222";
        assert_eq!(BrokerUrl::parse_strict(open).unwrap().to_string(), open);
    }
}
