//! The URL of a broker that joins the nodes, with the addresses of its servers. Only client
//! libraries get its password.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    broker_kind::BrokerKind,
    invalid_broker_url::{InvalidBrokerUrl, MAX_SERVERS},
    redact::redact_passwords,
    server_address::ServerAddress,
};

/// Longest address that a scenario may hold, in bytes.
const MAX_URL_BYTES: usize = 2_000;
/// The port of a Sentinel.
const SENTINEL_PORT: u16 = 26_379;

/// The address of a broker: `redis://[user:password@]host[:port][,host[:port]…][/path]`, or
/// the same with another scheme of [`BrokerKind`].
///
/// User, password and path hold for all its servers.
///
/// `***` replaces user and password as text, in JSON and for debugging. Only
/// [`BrokerUrl::expose_secret`] returns them.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerUrl {
    scheme: BrokerScheme,
    /// The servers, at least one.
    servers: Vec<ServerAddress>,
    /// The authorities that sign the servers' certificates, in PEM. `None` is those of the
    /// machine.
    ca: Option<Arc<str>>,
    text: String,
}

/// The meaning of the part of an address before `://`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct BrokerScheme {
    kind: BrokerKind,
    is_tls: bool,
    /// Whether the servers are Sentinels, which know the primary of a Redis.
    is_sentinel: bool,
}

impl BrokerUrl {
    /// Parses the address of a broker by its structure: a known scheme, and hosts with or
    /// without ports. Client libraries judge the rest.
    ///
    /// # Errors
    ///
    /// [`InvalidBrokerUrl`] if a part is missing or invalid.
    pub fn parse(text: &str) -> Result<Self, InvalidBrokerUrl> {
        Self::parse_servers(text, ServerAddress::parse)
    }

    /// Parses the address of a broker in a scenario, where it is also checked for
    /// length, characters and valid host names.
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
        // A comma separates servers and may stand in no other place.
        let servers = server_list(rest).len();
        let in_servers = rest.len() - path(rest).len() - servers..rest.len() - path(rest).len();
        let is_valid = |at, c| is_allowed(c) || c == ',' && in_servers.contains(&at);
        if let Some((_, c)) = rest.char_indices().find(|(at, c)| !is_valid(*at, *c)) {
            return Err(InvalidBrokerUrl::Character(c.escape_debug().to_string()));
        }
        Self::parse_servers(text, ServerAddress::parse_strict)
    }

    fn parse_servers(
        text: &str,
        parse: fn(&str, u16) -> Result<ServerAddress, InvalidBrokerUrl>,
    ) -> Result<Self, InvalidBrokerUrl> {
        let (scheme, rest) = split_scheme(text)?;
        let servers: Vec<&str> = server_list(rest).split(',').collect();
        if servers.len() > MAX_SERVERS {
            return Err(InvalidBrokerUrl::TooManyServers);
        }
        // Its servers would be projects, and a cluster's telemetry is in one.
        if servers.len() > 1 && scheme.kind == BrokerKind::PubSub {
            return Err(InvalidBrokerUrl::SeveralServers);
        }
        let parsed = servers.iter().enumerate().map(|(index, server)| {
            parse(server, scheme.default_port()).map_err(|reason| match servers.len() {
                1 => reason,
                _ => InvalidBrokerUrl::Server {
                    number: index + 1,
                    reason: Box::new(reason),
                },
            })
        });
        let url = Self {
            scheme,
            servers: parsed.collect::<Result<_, _>>()?,
            ca: None,
            text: text.to_owned(),
        };
        match url.sentinel_primary() {
            Some("") => Err(InvalidBrokerUrl::NoPrimary),
            _ => Ok(url),
        }
    }

    /// Returns the address with the authorities, in PEM, that sign the certificates of its
    /// servers.
    #[must_use]
    pub fn with_ca(self, pem: Arc<str>) -> Self {
        Self {
            ca: Some(pem),
            ..self
        }
    }

    /// Returns the kind of the broker.
    pub fn kind(&self) -> BrokerKind {
        self.scheme.kind
    }

    /// Whether connections use TLS.
    pub fn is_tls(&self) -> bool {
        self.scheme.is_tls
    }

    /// Returns the authorities that sign the certificates, in PEM. `None` is those of the
    /// machine.
    pub fn ca(&self) -> Option<&str> {
        self.ca.as_deref()
    }

    /// Returns the name of the primary for which Sentinels are asked. `None` if the servers
    /// are no Sentinels.
    pub fn sentinel_primary(&self) -> Option<&str> {
        let path = self.path();
        let name = path.strip_prefix('/').unwrap_or(path);
        self.scheme.is_sentinel.then_some(name)
    }

    /// Returns the addresses of the servers, at least one.
    pub fn servers(&self) -> &[ServerAddress] {
        &self.servers
    }

    /// Returns the host of the first server: a name, or an IP address without brackets.
    pub fn host(&self) -> &str {
        self.servers[0].host()
    }

    /// Returns the port of the first server, by default that of the broker's kind.
    pub fn port(&self) -> u16 {
        self.servers[0].port()
    }

    /// Returns the address of one server, with this address's user, password and path.
    #[must_use]
    pub fn with_server(&self, server: ServerAddress) -> Self {
        let path = self.path().to_owned();
        self.with_parts(self.scheme, server, &path)
    }

    /// Returns the address of the primary that a Sentinel has named, with this address's user
    /// and password.
    #[must_use]
    pub fn with_primary(&self, primary: ServerAddress) -> Self {
        let scheme = BrokerScheme {
            is_sentinel: false,
            ..self.scheme
        };
        self.with_parts(scheme, primary, "")
    }

    fn with_parts(&self, scheme: BrokerScheme, server: ServerAddress, path: &str) -> Self {
        let rest = self.after_scheme();
        let user = &rest[..rest.len() - self.path().len() - server_list(rest).len()];
        Self {
            scheme,
            ca: self.ca.clone(),
            text: format!("{scheme}://{user}{server}{path}"),
            servers: vec![server],
        }
    }

    /// Returns the address of each server, with this address's user, password and path.
    pub fn single_urls(&self) -> impl Iterator<Item = Self> {
        let servers = self.servers.iter();
        servers.map(|server| self.with_server(server.clone()))
    }

    /// Returns the part after the servers: empty, or a path, a query or a fragment
    /// with its first character.
    pub fn path(&self) -> &str {
        path(self.after_scheme())
    }

    /// Returns the address with user and password, for client libraries alone.
    pub fn expose_secret(&self) -> &str {
        &self.text
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

impl BrokerScheme {
    fn parse(text: &str) -> Option<Self> {
        let (protocol, is_sentinel) = match text.strip_suffix("+sentinel") {
            Some(protocol) => (protocol, true),
            None => (text, false),
        };
        let plain = BrokerKind::from_scheme(protocol).map(|kind| (kind, false));
        let found = plain.or_else(|| Some((BrokerKind::from_tls_scheme(protocol)?, true)));
        let (kind, is_tls) = found?;
        let scheme = Self {
            kind,
            is_tls,
            is_sentinel,
        };
        (!is_sentinel || kind == BrokerKind::Redis).then_some(scheme)
    }

    fn default_port(self) -> u16 {
        match self {
            Self {
                is_sentinel: true, ..
            } => SENTINEL_PORT,
            Self { is_tls: true, .. } => self.kind.default_tls_port(),
            _ => self.kind.default_port(),
        }
    }
}

impl fmt::Display for BrokerScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.is_tls {
            true => self.kind.tls_scheme(),
            false => self.kind.scheme(),
        })?;
        f.write_str(if self.is_sentinel { "+sentinel" } else { "" })
    }
}

fn split_scheme(text: &str) -> Result<(BrokerScheme, &str), InvalidBrokerUrl> {
    let (scheme, rest) = text.split_once("://").ok_or(InvalidBrokerUrl::NoScheme)?;
    let parsed = BrokerScheme::parse(scheme)
        .ok_or_else(|| InvalidBrokerUrl::Scheme(scheme.escape_debug().to_string()))?;
    Ok((parsed, rest))
}

fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

fn path(rest: &str) -> &str {
    &rest[authority(rest).len()..]
}

/// Returns the servers of an address, separated by commas.
fn server_list(rest: &str) -> &str {
    let authority = authority(rest);
    // The last `@`: a password may contain others.
    authority
        .rsplit_once('@')
        .map_or(authority, |(_, servers)| servers)
}

/// Whether a character may stand in an address. A comma may not, because it separates
/// servers.
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
            ("mqtt://h:1", Invalid::Scheme("mqtt".to_owned())),
            (
                "nats+sentinel://h/p",
                Invalid::Scheme("nats+sentinel".to_owned()),
            ),
            ("redis+sentinel://h", Invalid::NoPrimary),
            ("redis+sentinel://h/", Invalid::NoPrimary),
            ("redis://", Invalid::NoHost),
            ("redis://:secret@:6379", Invalid::NoHost),
            ("redis://ho st", Invalid::Character(" ".to_owned())),
            ("redis://h\"", Invalid::Character("\\\"".to_owned())),
            ("redis://:a,b@h", Invalid::Character(",".to_owned())),
            ("redis://h/a,b", Invalid::Character(",".to_owned())),
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
        let many = format!("redis://h{}", ",h".repeat(MAX_SERVERS));
        assert_eq!(BrokerUrl::parse(&many), Err(Invalid::TooManyServers));
        let projects = BrokerUrl::parse("pubsub://home,work");
        assert_eq!(projects, Err(Invalid::SeveralServers));
    }

    #[test]
    fn invalid_server_of_several_is_rejected_with_its_place() {
        for (text, expected) in [
            (
                "redis://a,",
                "server 2 of the address: an address without a host",
            ),
            (
                "redis://a,,b",
                "server 2 of the address: an address without a host",
            ),
            (
                "nats://a,b:0,c",
                "server 2 of the address: not a port from 1 to 65535",
            ),
            (
                "amqp://u:p@{a},b/v",
                "server 1 of the address: not a host's name: `{a}`",
            ),
        ] {
            let error = BrokerUrl::parse_strict(text).unwrap_err();
            assert_eq!(error.to_string(), expected, "{text}");
        }
    }

    #[test]
    fn scheme_says_whether_tls_and_sentinels_are_used() {
        for (text, is_tls, primary, server) in [
            ("redis://h", false, None, "redis://h:6379"),
            ("rediss://h", true, None, "rediss://h:6379"),
            ("tls://h", true, None, "tls://h:4222"),
            ("nats+tls://t@h", true, None, "tls://t@h:4222"),
            ("amqps://h/v", true, None, "amqps://h:5671/v"),
            (
                "redis+sentinel://h/p",
                false,
                Some("p"),
                "redis+sentinel://h:26379/p",
            ),
            (
                "rediss+sentinel://h/p",
                true,
                Some("p"),
                "rediss+sentinel://h:26379/p",
            ),
        ] {
            let url = BrokerUrl::parse_strict(text).unwrap();
            assert_eq!((url.is_tls(), url.sentinel_primary()), (is_tls, primary));
            let first = url.single_urls().next().unwrap();
            assert_eq!(first.expose_secret(), server);
        }
        let sentinels = BrokerUrl::parse("rediss+sentinel://u:p@a,b/p").unwrap();
        let sentinels = sentinels.with_ca("PEM".into());
        let primary = ServerAddress::parse("c:1", 0).unwrap();
        let primary = sentinels.with_primary(primary);
        assert_eq!(primary.expose_secret(), "rediss://u:p@c:1");
        assert_eq!(
            (primary.ca(), primary.sentinel_primary()),
            (Some("PEM"), None)
        );
    }

    #[test]
    fn each_server_has_the_credentials_and_path_of_the_address() {
        for (text, singles) in [
            ("redis://h", &["redis://h:6379"][..]),
            (
                "amqp://u:p@a,[::1]:1,c/v",
                &[
                    "amqp://u:p@a:5672/v",
                    "amqp://u:p@[::1]:1/v",
                    "amqp://u:p@c:5672/v",
                ],
            ),
        ] {
            let url = BrokerUrl::parse_strict(text).unwrap();
            let found: Vec<String> = url
                .single_urls()
                .map(|single| {
                    assert_eq!(BrokerUrl::parse(single.expose_secret()).unwrap(), single);
                    single.expose_secret().to_owned()
                })
                .collect();
            assert_eq!(found, singles);
        }
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
