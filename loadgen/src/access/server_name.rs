//! The server's name, where addresses do not hold it.

use highwater_scenarios::plan;
use serde::{Deserialize, Serialize};
use tokio_tungstenite::tungstenite::http::Uri;

/// A name in place of the hosts of `wss` and `https` addresses: for SNI, for the verification
/// of certificates, and in the field `Host`.
///
/// The HTTP client takes the name from a URL. A command's URL therefore has the name in place
/// of the host, and the client looks the hosts up when it connects to the name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerNameOverride {
    /// The name.
    pub name: String,
    /// The hosts of the target's `https` addresses.
    pub https_hosts: Vec<String>,
}

impl ServerNameOverride {
    /// Returns the override that a target's plan asks for.
    pub fn from_target(target: &plan::TargetSpec) -> Option<Self> {
        let name = target.server_name.clone()?;
        let secure = target.http.iter().filter_map(|address| https_uri(address));
        let https_hosts = secure
            .filter_map(|uri| uri.host().map(|host| unbracketed(host).to_owned()))
            .collect();
        Some(Self { name, https_hosts })
    }

    /// Returns the base address for commands with the name in place of the host.
    pub fn apply_to(&self, address: &str) -> String {
        let Some(uri) = https_uri(address) else {
            return address.to_owned();
        };
        let path = uri.path().trim_end_matches('/');
        format!("https://{}{path}", self.authority(&uri))
    }

    /// Returns the name with the port of an address.
    pub(super) fn authority(&self, uri: &Uri) -> String {
        match uri.port() {
            Some(port) => format!("{}:{port}", self.name),
            None => self.name.clone(),
        }
    }
}

/// Returns a host without the brackets that an IPv6 address has in a URI.
pub fn unbracketed(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

fn https_uri(address: &str) -> Option<Uri> {
    let uri: Uri = address.parse().ok()?;
    (uri.scheme_str() == Some("https")).then_some(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_replaces_the_host_of_secure_addresses_only() {
        let server_name = ServerNameOverride {
            name: "home.example".to_owned(),
            https_hosts: Vec::new(),
        };
        for (address, expected) in [
            (
                "https://10.0.0.1:8443/base",
                "https://home.example:8443/base",
            ),
            ("https://10.0.0.1", "https://home.example"),
            ("https://[::1]:8443", "https://home.example:8443"),
            ("http://10.0.0.1:8080", "http://10.0.0.1:8080"),
        ] {
            assert_eq!(server_name.apply_to(address), expected);
        }
    }
}
