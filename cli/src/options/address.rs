//! Addresses on the command line.

use std::net::{SocketAddr, ToSocketAddrs};

/// Reads `HOST:PORT`. A host name is resolved at once, and an IPv4 address comes first.
pub(crate) fn parse_address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let is_host_port = text
        .rsplit_once(':')
        // A colon in the host belongs to an IPv6 address without its brackets.
        .is_some_and(|(host, port)| {
            !host.is_empty() && !host.contains(':') && port.parse::<u16>().is_ok()
        });
    if !is_host_port {
        return Err("expected HOST:PORT, such as 127.0.0.1:8080, [::1]:8080 or \
                    localhost:8080"
            .to_owned());
    }
    let resolved = text
        .to_socket_addrs()
        .map_err(|error| format!("cannot resolve the host name: {error}"))?;
    let mut resolved: Vec<SocketAddr> = resolved.collect();
    // As most programs do: `localhost` may be 127.0.0.1 and ::1.
    resolved.sort_by_key(|address| !address.is_ipv4());
    let first = resolved.first().copied();
    first.ok_or_else(|| "the host name has no address".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_has_a_host_or_a_name_and_a_port() {
        for (text, expected) in [
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("[::1]:0", "[::1]:0"),
            ("localhost:8080", "127.0.0.1:8080"),
        ] {
            assert_eq!(parse_address(text), Ok(expected.parse().unwrap()), "{text}");
        }
        for bad in [
            "",
            "localhost",
            ":80",
            "localhost:",
            "localhost:99999",
            "::1:80",
        ] {
            let error = parse_address(bad).unwrap_err();
            assert!(error.starts_with("expected HOST:PORT"), "{bad}: {error}");
        }
    }
}
