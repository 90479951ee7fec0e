//! The server's name, where addresses do not hold it.

use highwater_scenarios::{frames::AddressTemplate, plan};
use serde::{Deserialize, Serialize};
use tokio_tungstenite::tungstenite::http::Uri;

use super::{Environment, VariableError};

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
    ///
    /// # Errors
    /// If the variables of an address do not give a host.
    pub fn from_target(
        target: &plan::TargetSpec,
        environment: &Environment,
    ) -> Result<Option<Self>, VariableError> {
        let Some(name) = target.server_name.clone() else {
            return Ok(None);
        };
        let mut https_hosts = Vec::new();
        for address in &target.http {
            let origin = environment.origin(address)?;
            if is_https(&origin)
                && let Some(host) = origin.host()
            {
                https_hosts.push(unbracketed(host).to_owned());
            }
        }
        Ok(Some(Self { name, https_hosts }))
    }

    /// Returns a base address for commands, with placeholders, with the name in place of the
    /// host; `origin` is the address up to its path.
    pub fn apply_to(&self, address: &str, origin: &Uri) -> String {
        match is_https(origin) {
            true => {
                let path = AddressTemplate::behind_host(address).trim_end_matches('/');
                format!("https://{}{path}", self.authority(origin))
            }
            false => address.to_owned(),
        }
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

fn is_https(uri: &Uri) -> bool {
    uri.scheme_str() == Some("https")
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
            ("https://10.0.0.1/{device}", "https://home.example/{device}"),
            ("http://10.0.0.1:8080", "http://10.0.0.1:8080"),
        ] {
            let origin = Environment::default().origin(address).unwrap();
            assert_eq!(server_name.apply_to(address, &origin), expected);
        }
    }
}
