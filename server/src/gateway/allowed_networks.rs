//! The networks in which a gateway connects to nodes.
//!
//! A member names its own address, so a gateway checks it before it connects: otherwise a
//! member could have it ask any service that it reaches, for the gateway's clients.

use std::{
    fmt, io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use tokio::net::{TcpStream, lookup_host};

use crate::net::networks::{InvalidNetwork, Networks};

/// The longest `HOST:PORT`: a name of 253 characters, and a port.
const MAX_ADDRESS_CHARS: usize = 253 + 6;

/// The characters of an invalid address that an error quotes.
const MAX_QUOTED_CHARS: usize = 60;

/// Loopback and the private ranges of RFC 1918 and RFC 4193.
const DEFAULT_NETWORKS: &str =
    "127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7";

/// The metadata service of one cloud, which lies in a private range.
const METADATA_SERVICE: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// The networks in which a gateway connects to nodes. Never link-local ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedNetworks(Networks);

/// The reason why a gateway does not connect to the address of a member.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum AddressError {
    #[error("invalid address {0:?} of a node: expected HOST:PORT")]
    Form(String),
    #[error(
        "cannot connect to {0}: it is not in the allowed networks; \
         hint: --allowed-networks names them"
    )]
    NotAllowed(String),
}

impl AllowedNetworks {
    /// Checks the form of an address, and the network of a numeric one. That of a name is
    /// checked at each connect.
    pub(super) fn check(&self, address: &str) -> Result<(), AddressError> {
        if !is_host_port(address) {
            let quoted = address.chars().take(MAX_QUOTED_CHARS).collect();
            return Err(AddressError::Form(quoted));
        }
        match address.parse::<SocketAddr>() {
            Ok(numeric) if !self.contains(numeric.ip()) => {
                Err(AddressError::NotAllowed(address.to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// Connects to an address that is in these networks.
    pub(super) async fn connect(&self, address: &str) -> io::Result<TcpStream> {
        let resolved = lookup_host(address).await?;
        // The name may mean another address than a moment ago: the one that was checked is
        // the one that is used.
        let allowed: Vec<SocketAddr> = resolved
            .filter(|resolved| self.contains(resolved.ip()))
            .collect();
        if allowed.is_empty() {
            let error = AddressError::NotAllowed(address.to_owned());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, error));
        }
        TcpStream::connect(&allowed[..]).await
    }

    fn contains(&self, ip: IpAddr) -> bool {
        // An IPv4 address within IPv6 is that IPv4 address.
        !is_never_a_node(ip.to_canonical()) && self.0.contains(ip)
    }
}

impl Default for AllowedNetworks {
    fn default() -> Self {
        match DEFAULT_NETWORKS.parse() {
            Ok(networks) => networks,
            Err(error) => unreachable!("{error}"),
        }
    }
}

impl FromStr for AllowedNetworks {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        text.parse().map(Self)
    }
}

impl fmt::Display for AllowedNetworks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether no node can have this address, whatever networks are allowed. Clouds answer with
/// secrets at link-local addresses.
fn is_never_a_node(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            ip.is_link_local() || ip.is_unspecified() || ip.is_broadcast() || ip.is_multicast()
        }
        IpAddr::V6(ip) => {
            ip.is_unicast_link_local()
                || ip.is_unspecified()
                || ip.is_multicast()
                || ip == METADATA_SERVICE
        }
    }
}

fn is_host_port(text: &str) -> bool {
    if text.len() > MAX_ADDRESS_CHARS {
        return false;
    }
    // The last colon: an IPv6 address holds others.
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
    let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let is_host = match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        Some(ip) => ip.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(is_name_byte),
    };
    is_port && is_host
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_of_another_form_is_invalid() {
        let networks = AllowedNetworks::default();
        for valid in ["127.0.0.1:80", "[::1]:80", "node-1.example:8081", "n1:1"] {
            assert_eq!(networks.check(valid), Ok(()), "{valid}");
        }
        let long = format!("{}:80", "a".repeat(300));
        for invalid in [
            "",
            "no-port",
            ":80",
            "127.0.0.1:0",
            "127.0.0.1:99999",
            "\r\nX: y:80",
            "a b:80",
            "u@h:80",
            "::1:80",
            "[n1]:80",
            "h/p:80",
            &long,
        ] {
            let error = networks.check(invalid).unwrap_err();
            assert!(
                matches!(error, AddressError::Form(_)),
                "{invalid:?}: {error}"
            );
            assert!(error.to_string().len() < 200);
        }
    }

    #[test]
    fn default_networks_are_loopback_and_private() {
        let networks = AllowedNetworks::default();
        let is_allowed = |ip: &str| networks.contains(ip.parse().unwrap());
        for ip in [
            "127.0.0.9",
            "::1",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.7.7",
            "fd12::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(is_allowed(ip), "{ip}");
        }
        for ip in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
            "8.8.8.8",
            "172.32.0.1",
            "0.0.0.0",
            "::",
            "255.255.255.255",
            "224.0.0.1",
            "ff02::1",
            "2001:db8::1",
        ] {
            assert!(!is_allowed(ip), "{ip}");
        }
    }

    #[test]
    fn given_networks_replace_the_default_and_never_hold_link_local() {
        let networks: AllowedNetworks = "203.0.113.0/24, 0.0.0.0/0,::/0".parse().unwrap();
        assert_eq!(networks.check("203.0.113.7:80"), Ok(()));
        assert!(networks.check("169.254.169.254:80").is_err());
        assert!(networks.check("[fe80::1]:80").is_err());
        let narrow: AllowedNetworks = "10.0.0.0/8".parse().unwrap();
        assert!(narrow.check("127.0.0.1:22").is_err());
        assert_eq!(narrow.to_string(), "10.0.0.0/8");
        let error = "10.0.0.0".parse::<AllowedNetworks>().unwrap_err();
        assert!(error.to_string().contains("expected CIDR"), "{error}");
        assert_eq!(AllowedNetworks::default().to_string(), DEFAULT_NETWORKS);
    }

    #[tokio::test]
    async fn name_of_an_address_elsewhere_is_not_connected_to() {
        let networks: AllowedNetworks = "10.0.0.0/8".parse().unwrap();
        let error = networks.connect("localhost:1").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }
}
