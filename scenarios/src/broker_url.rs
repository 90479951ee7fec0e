//! The address of a broker that joins the nodes. Its password goes to those who
//! connect, and nowhere else.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Stands for the user's name and password.
const REDACTED: &str = "***";

/// Longest address that is taken, in bytes.
const MAX_URL_BYTES: usize = 2_000;

/// What kind of broker it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrokerKind {
    /// Redis Pub/Sub.
    Redis,
    /// NATS.
    Nats,
    /// RabbitMQ, by AMQP 0-9-1.
    RabbitMq,
}

/// `redis://[user:password@]host[:port][/path]`, or `nats://` or `amqp://`.
///
/// As text, in JSON and for debugging, `***` stands where user and password
/// are; only [`BrokerUrl::expose_secret`] gives them away.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerUrl {
    kind: BrokerKind,
    text: String,
}

/// Why a text is no address of a broker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBrokerUrl {
    /// It has no `://`.
    #[error("no address of a broker")]
    NoScheme,
    /// What stands before `://` names no broker that is known.
    #[error("unknown broker `{0}`")]
    Scheme(String),
    /// There is no host.
    #[error("an address without a host")]
    NoHost,
    /// What should be the host is none.
    #[error("not a host's name: `{0}`")]
    Host(String),
    /// What should be the port is none.
    #[error("not a port from 1 to 65535")]
    Port,
    /// A character that has to be written in another way.
    #[error("an address with `{0}` in it")]
    Character(String),
    /// Longer than any address is.
    #[error("an address that is too long")]
    TooLong,
}

impl BrokerKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Redis, Self::Nats, Self::RabbitMq];

    /// What its addresses begin with, before `://`.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Nats => "nats",
            Self::RabbitMq => "amqp",
        }
    }

    /// As it calls itself.
    pub fn name(self) -> &'static str {
        match self {
            Self::Redis => "Redis",
            Self::Nats => "NATS",
            Self::RabbitMq => "RabbitMQ",
        }
    }

    /// Where it listens unless told otherwise.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Redis => 6379,
            Self::Nats => 4222,
            Self::RabbitMq => 5672,
        }
    }
}

impl BrokerUrl {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// [`InvalidBrokerUrl`], which never quotes what may be a password.
    pub fn parse(text: &str) -> Result<Self, InvalidBrokerUrl> {
        if text.len() > MAX_URL_BYTES {
            return Err(InvalidBrokerUrl::TooLong);
        }
        let (scheme, rest) = text.split_once("://").ok_or(InvalidBrokerUrl::NoScheme)?;
        let kind = BrokerKind::ALL
            .into_iter()
            .find(|kind| kind.scheme() == scheme)
            .ok_or_else(|| InvalidBrokerUrl::Scheme(scheme.escape_debug().to_string()))?;
        if let Some(c) = rest.chars().find(|c| !is_allowed(*c)) {
            return Err(InvalidBrokerUrl::Character(c.escape_debug().to_string()));
        }
        let (host, port) = split_port(host_and_port(rest));
        check_host(host)?;
        check_port(port)?;
        Ok(Self {
            kind,
            text: text.to_owned(),
        })
    }

    /// What kind of broker it is.
    pub fn kind(&self) -> BrokerKind {
        self.kind
    }

    /// Its host: a name or an address, without brackets.
    pub fn host(&self) -> &str {
        let (host, _) = split_port(self.host_and_port());
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Its port, or the usual one.
    pub fn port(&self) -> u16 {
        let (_, port) = split_port(self.host_and_port());
        let given = port.strip_prefix(':').and_then(|port| port.parse().ok());
        given.unwrap_or_else(|| self.kind.default_port())
    }

    /// The address with user and password, for who connects.
    pub fn expose_secret(&self) -> &str {
        &self.text
    }

    fn host_and_port(&self) -> &str {
        let (_, rest) = self.text.split_once("://").unwrap_or_default();
        host_and_port(rest)
    }
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact_passwords(&self.text))
    }
}

impl fmt::Debug for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for BrokerUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BrokerUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// `text` with `***` in place of user and password in every address, also in one
/// that is written wrongly.
pub fn redact_passwords(text: &str) -> Cow<'_, str> {
    redact_with(text, |_| REDACTED.to_owned())
}

/// The same with as many bytes as before, so that places stay right.
pub(crate) fn redact_passwords_same_length(text: &str) -> Cow<'_, str> {
    redact_with(text, |secret| "*".repeat(secret.len()))
}

fn redact_with(text: &str, stand_in: impl Fn(&str) -> String) -> Cow<'_, str> {
    let mut hidden = String::new();
    let mut rest = text;
    while let Some((before, secret, after)) = next_secret(rest) {
        hidden.push_str(before);
        hidden.push_str(&stand_in(secret));
        rest = after;
    }
    if hidden.is_empty() {
        return Cow::Borrowed(text);
    }
    hidden.push_str(rest);
    Cow::Owned(hidden)
}

/// What stands before, in and after the first secret of `text`: all between the
/// `://` of an address and its last `@`.
fn next_secret(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(found) = text[from..].find("://") {
        let start = from + found + "://".len();
        let ends = |c: char| match is_web(&text[..from + found]) {
            true => matches!(c, '/' | '?' | '"' | '\'') || c.is_whitespace(),
            // A password may hold what should have been encoded in it.
            false => matches!(c, '"' | '\'') || c.is_whitespace(),
        };
        let end = text[start..]
            .find(ends)
            .map_or(text.len(), |length| start + length);
        if let Some(at) = text[start..end].rfind('@') {
            let at = start + at;
            return Some((&text[..start], &text[start..at], &text[at..]));
        }
        from = start;
    }
    None
}

/// Whether an address of HTTP or of a WebSocket begins where `before` ends: in
/// those an `@` may stand in the path.
fn is_web(before: &str) -> bool {
    let scheme = before.rsplit(|c: char| !c.is_ascii_alphanumeric()).next();
    matches!(scheme, Some("http" | "https" | "ws" | "wss"))
}

fn host_and_port(rest: &str) -> &str {
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let authority = &rest[..end];
    authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host)
}

/// The host, in brackets where it is an IPv6 address, and `:PORT` or nothing.
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
        None if host.is_empty() => Err(InvalidBrokerUrl::NoHost),
        None if host.chars().all(in_name) => Ok(()),
        _ => Err(InvalidBrokerUrl::Host(host.escape_debug().to_string())),
    }
}

fn check_port(port: &str) -> Result<(), InvalidBrokerUrl> {
    let is_port = |digits: &str| {
        digits.bytes().all(|byte| byte.is_ascii_digit())
            && digits.parse::<u16>().is_ok_and(|port| port > 0)
    };
    match port.strip_prefix(':') {
        Some(digits) if !is_port(digits) => Err(InvalidBrokerUrl::Port),
        _ => Ok(()),
    }
}

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
    fn an_address_has_a_kind_a_host_and_a_port() {
        for (text, kind, host, port) in [
            ("redis://127.0.0.1", BrokerKind::Redis, "127.0.0.1", 6379),
            ("redis://:pw@cache:7000/2", BrokerKind::Redis, "cache", 7000),
            ("nats://[::1]:4223", BrokerKind::Nats, "::1", 4223),
            ("nats://[::1]", BrokerKind::Nats, "::1", 4222),
            ("amqp://u:p@mq/%2f", BrokerKind::RabbitMq, "mq", 5672),
        ] {
            let url = BrokerUrl::parse(text).unwrap();
            assert_eq!((url.kind(), url.host(), url.port()), (kind, host, port));
            assert_eq!(url.expose_secret(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
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
            assert_eq!(BrokerUrl::parse(text), Err(expected), "{text}");
        }
        let long = format!("redis://{}", "h".repeat(3_000));
        assert_eq!(BrokerUrl::parse(&long), Err(Invalid::TooLong));
    }

    #[test]
    fn a_password_is_in_no_text_of_it() {
        let url = BrokerUrl::parse("redis://me:s3cret@127.0.0.1:6379/1").unwrap();
        let shown = "redis://***@127.0.0.1:6379/1";
        assert_eq!(url.to_string(), shown);
        assert_eq!(format!("{url:?}"), shown);
        let json = serde_json::to_string(&url).unwrap();
        assert_eq!(json, format!("{shown:?}"));
        // What was recorded can be read again.
        let read: BrokerUrl = serde_json::from_str(&json).unwrap();
        assert_eq!(read.to_string(), shown);
        let open = "nats://127.0.0.1:4222";
        assert_eq!(BrokerUrl::parse(open).unwrap().to_string(), open);
    }

    #[test]
    fn passwords_are_found_in_longer_texts() {
        let text = "backplane = \"amqp://u:p/@ss@mq\" # not redis://x:y@h\nws = \"ws://h/a@b\"";
        assert_eq!(
            redact_passwords(text),
            "backplane = \"amqp://***@mq\" # not redis://***@h\nws = \"ws://h/a@b\""
        );
        assert_eq!(
            redact_passwords("cluster.backplane=kafka://u:p@h"),
            "cluster.backplane=kafka://***@h"
        );
        assert_eq!(
            redact_passwords("http://u:p@h/a@b?c@d"),
            "http://***@h/a@b?c@d"
        );
        let open = "nats://h and a@b";
        assert!(matches!(redact_passwords(open), Cow::Borrowed(same) if same == open));
        assert_eq!(
            redact_passwords_same_length("x redis://u:pw@h y"),
            "x redis://****@h y"
        );
    }
}
