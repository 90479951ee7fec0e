//! The meaning of a URL: a region of the provider, or an endpoint.

use highwater_types::BrokerUrl;
use percent_encoding::percent_decode_str;

use crate::backplane::remote::{TransportError, TransportResult};

/// The services that a URL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AwsAddress {
    /// The region. `None` is that of the environment, `AWS_REGION`.
    pub(super) region: Option<String>,
    /// The endpoint of every service. `None` is the provider's own, or `AWS_ENDPOINT_URL`.
    pub(super) endpoint: Option<String>,
    /// The access key and its secret. `None` is the standard chain of credentials.
    pub(super) key: Option<AccessKey>,
}

/// An access key and its secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct AccessKey {
    pub(super) id: String,
    pub(super) secret: String,
}

// A derived implementation would show the secret in a log.
impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl AwsAddress {
    /// Interprets the address of one server.
    ///
    /// `sns://eu-west-1` is a region. Every other host, and a region's name with a port, is an
    /// endpoint that serves all of the services.
    pub(super) fn from_url(url: &BrokerUrl) -> TransportResult<Self> {
        if !matches!(url.path(), "" | "/") {
            let unexpected = format!("unexpected path {:?}", url.path());
            return Err(TransportError::Broken(unexpected));
        }
        let kind = url.kind();
        let default_port = match url.is_tls() {
            true => kind.default_tls_port(),
            false => kind.default_port(),
        };
        let key = access_key(url)?;
        if is_region(url.host()) && url.port() == default_port {
            return Ok(Self {
                region: Some(url.host().to_owned()),
                endpoint: None,
                key,
            });
        }
        let scheme = if url.is_tls() { "https" } else { "http" };
        let server = &url.servers()[0];
        Ok(Self {
            region: None,
            endpoint: Some(format!("{scheme}://{server}")),
            key,
        })
    }
}

fn access_key(url: &BrokerUrl) -> TransportResult<Option<AccessKey>> {
    let rest = url.expose_secret().split_once("://").map(|(_, rest)| rest);
    let Some((user, _)) = rest.and_then(|rest| rest.rsplit_once('@')) else {
        return Ok(None);
    };
    let decode = |text: &str| {
        let decoded = percent_decode_str(text).decode_utf8();
        decoded.map(String::from).map_err(TransportError::broken)
    };
    match user.split_once(':') {
        Some((id, secret)) if !id.is_empty() && !secret.is_empty() => Ok(Some(AccessKey {
            id: decode(id)?,
            secret: decode(secret)?,
        })),
        _ => Err(TransportError::broken("an access key without its secret")),
    }
}

/// Whether a host has the form of a region's name: `eu-west-1`, `us-gov-east-1`.
fn is_region(host: &str) -> bool {
    let words: Vec<&str> = host.split('-').collect();
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    let [area, names @ .., number] = &words[..] else {
        return false;
    };
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    area.len() == 2 && is_word(area) && !names.is_empty() && names.iter().all(is_word) && is_number
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> AwsAddress {
        AwsAddress::from_url(&BrokerUrl::parse(text).unwrap()).unwrap()
    }

    #[test]
    fn host_is_a_region_or_an_endpoint() {
        for (text, region, endpoint) in [
            ("sns://eu-west-1", Some("eu-west-1"), None),
            ("sns://us-gov-east-1/", Some("us-gov-east-1"), None),
            ("sns+tls://ap-southeast-2", Some("ap-southeast-2"), None),
            (
                "sns://127.0.0.1:14566",
                None,
                Some("http://127.0.0.1:14566"),
            ),
            ("sns://localhost", None, Some("http://localhost:4566")),
            ("sns+tls://emulator:1", None, Some("https://emulator:1")),
            ("sns://[::1]:1", None, Some("http://[::1]:1")),
            ("sns://my-host-1", Some("my-host-1"), None),
            ("sns://web-host-1", None, Some("http://web-host-1:4566")),
            ("sns://eu-west-1:80", None, Some("http://eu-west-1:80")),
        ] {
            let found = address(text);
            assert_eq!(found.region.as_deref(), region, "{text}");
            assert_eq!(found.endpoint.as_deref(), endpoint, "{text}");
            assert_eq!(found.key, None);
        }
    }

    #[test]
    fn user_is_an_access_key_that_no_text_shows() {
        let found = address("sns://KEY:s%2Fcret@eu-west-1");
        let key = found.key.clone().unwrap();
        assert_eq!((&*key.id, &*key.secret), ("KEY", "s/cret"));
        assert!(!format!("{found:?}").contains("cret"));
        for text in ["sns://KEY@eu-west-1", "sns://KEY:@h", "sns://h/path"] {
            let url = BrokerUrl::parse(text).unwrap();
            assert!(AwsAddress::from_url(&url).is_err(), "{text}");
        }
    }
}
