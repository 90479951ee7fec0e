//! Lists of networks, which options name.

use std::{fmt, net::IpAddr, str::FromStr, sync::Arc};

use ipnet::IpNet;

/// A list of networks. The default is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Arc<[IpNet]>);

/// The error of a text that is not a list of networks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid network {0:?}: expected CIDR, such as 10.0.0.0/8")]
pub struct InvalidNetwork(String);

impl Networks {
    /// Whether one of the networks contains the address.
    pub(crate) fn contains(&self, ip: IpAddr) -> bool {
        // An IPv4 address within IPv6 is that IPv4 address (RFC 4291, section 2.5.5).
        let ip = ip.to_canonical();
        self.0.iter().any(|network| network.contains(&ip))
    }
}

impl FromStr for Networks {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let network = |text: &str| {
            let network = text.trim().parse::<IpNet>();
            network.map_err(|_| InvalidNetwork(text.trim().to_owned()))
        };
        text.split(',')
            .map(network)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, network) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{network}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_contains_the_addresses_of_its_networks() {
        let networks: Networks = "10.0.0.0/8, 2001:db8::/32".parse().unwrap();
        for (ip, expected) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("2001:db8::7", true),
            ("11.0.0.1", false),
            ("2001:db9::7", false),
        ] {
            assert_eq!(networks.contains(ip.parse().unwrap()), expected, "{ip}");
        }
        assert!(!Networks::default().contains("127.0.0.1".parse().unwrap()));
        assert_eq!(networks.to_string(), "10.0.0.0/8,2001:db8::/32");
        for invalid in ["", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/8,", "n/8"] {
            let error = invalid.parse::<Networks>().unwrap_err();
            assert!(error.to_string().contains("expected CIDR"), "{error}");
        }
    }
}
