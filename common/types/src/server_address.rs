//! The address of one server of a broker.

use std::fmt;

use crate::invalid_broker_url::InvalidBrokerUrl;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    /// A name, or an IP address without brackets.
    host: String,
    port: u16,
}

impl ServerAddress {
    /// Parses `HOST[:PORT]`. An IPv6 address stands in brackets (RFC 3986, section 3.2.2).
    ///
    /// # Errors
    ///
    /// [`InvalidBrokerUrl`] if the host is missing, or the port is invalid.
    pub fn parse(text: &str, default_port: u16) -> Result<Self, InvalidBrokerUrl> {
        let (host, port) = split_port(text);
        if host.is_empty() {
            return Err(InvalidBrokerUrl::NoHost);
        }
        if host.contains(char::is_whitespace) {
            return Err(invalid_host(host));
        }
        let port = match port.strip_prefix(':') {
            Some(digits) => parse_port(digits).ok_or(InvalidBrokerUrl::Port)?,
            None => default_port,
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let host = host.to_owned();
        Ok(Self { host, port })
    }

    /// Parses `HOST[:PORT]` and checks that the host is a name or an IP address.
    ///
    /// # Errors
    ///
    /// [`InvalidBrokerUrl`] if a part is missing or invalid.
    pub fn parse_strict(text: &str, default_port: u16) -> Result<Self, InvalidBrokerUrl> {
        let address = Self::parse(text, default_port)?;
        check_host(split_port(text).0)?;
        Ok(address)
    }

    /// Returns the address of a host that is a name or an IP address without brackets, as
    /// servers tell it.
    ///
    /// # Errors
    ///
    /// [`InvalidBrokerUrl`] if a part is invalid.
    pub fn from_parts(host: &str, port: &str) -> Result<Self, InvalidBrokerUrl> {
        let text = match host.contains(':') {
            true => format!("[{host}]:{port}"),
            false => format!("{host}:{port}"),
        };
        Self::parse_strict(&text, 0)
    }

    /// Returns the host: a name, or an IP address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// Splits off `:PORT`, which may be empty. The host keeps its brackets, inside which colons
/// separate no port.
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
        _ => Err(invalid_host(host)),
    }
}

fn parse_port(digits: &str) -> Option<u16> {
    // `u16::from_str` alone would take a sign.
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let port = digits.parse().ok().filter(|port| *port > 0);
    port.filter(|_| is_number)
}

fn invalid_host(host: &str) -> InvalidBrokerUrl {
    // Escaped, because control characters must not reach the terminal.
    InvalidBrokerUrl::Host(host.escape_debug().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_read_as_it_is_written() {
        for (text, written) in [("h", "h:1"), ("h:2", "h:2"), ("[::1]:3", "[::1]:3")] {
            let address = ServerAddress::parse_strict(text, 1).unwrap();
            assert_eq!(address.to_string(), written);
        }
        assert!(ServerAddress::parse("::1", 1).is_err());
        let told = ServerAddress::from_parts("::1", "2").unwrap();
        assert_eq!(told.to_string(), "[::1]:2");
        assert!(ServerAddress::from_parts("", "2").is_err());
    }
}
