//! The clients of the services at a server of the address.

use std::time::Duration;

use aws_config::{
    BehaviorVersion, Region, environment::region::EnvironmentVariableRegionProvider,
    meta::region::RegionProviderChain,
};
use aws_sdk_sqs::config::{Credentials, timeout::TimeoutConfig};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use highwater_types::BrokerUrl;
use percent_encoding::percent_decode_str;

use crate::error_chain::error_chain;

/// The time for a request with its repetitions.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(4);
/// The region of requests to an emulator, which accepts any.
const DEFAULT_REGION: &str = "us-east-1";

/// The clients of one account in one region.
pub(super) struct Clients {
    pub(super) sns: aws_sdk_sns::Client,
    pub(super) sqs: aws_sdk_sqs::Client,
    pub(super) dynamodb: aws_sdk_dynamodb::Client,
}

impl Clients {
    /// Creates clients for the address of one server, which docs/backplanes.md specifies.
    pub(super) async fn new(url: &BrokerUrl) -> Result<Self, String> {
        let (region, endpoint) = place(url);
        let region = RegionProviderChain::first_try(region.map(Region::new))
            .or_else(EnvironmentVariableRegionProvider::new())
            .or_else(Region::new(DEFAULT_REGION));
        let trusted = match url.ca() {
            Some(pem) => TrustStore::empty().with_pem_certificate(pem),
            None => TrustStore::default(),
        };
        let tls = TlsContext::builder().with_trust_store(trusted).build();
        let client = Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(tls.map_err(|error| error_chain(&error))?)
            .build_https();
        let timeouts = TimeoutConfig::builder().operation_timeout(REQUEST_TIMEOUT);
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .region(region)
            .http_client(client)
            .timeout_config(timeouts.build());
        if let Some(endpoint) = endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        if let Some((id, secret)) = access_key(url) {
            let key = Credentials::new(id, secret, None, None, "address");
            loader = loader.credentials_provider(key);
        }
        let config = loader.load().await;
        Ok(Self {
            sns: aws_sdk_sns::Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
        })
    }
}

/// Returns the region of an address, or the endpoint of all services.
fn place(url: &BrokerUrl) -> (Option<String>, Option<String>) {
    let kind = url.kind();
    let (scheme, default_port) = match url.is_tls() {
        true => ("https", kind.default_tls_port()),
        false => ("http", kind.default_port()),
    };
    match is_region(url.host()) && url.port() == default_port {
        true => (Some(url.host().to_owned()), None),
        false => (None, Some(format!("{scheme}://{}", url.servers()[0]))),
    }
}

/// Whether a host has the form of a region's name, such as `eu-west-1`.
fn is_region(host: &str) -> bool {
    let words: Vec<&str> = host.split('-').collect();
    let consists_of = |word: &str, allowed: fn(&u8) -> bool| {
        !word.is_empty() && word.as_bytes().iter().all(allowed)
    };
    match &words[..] {
        [area, names @ .., number] if area.len() == 2 && !names.is_empty() => {
            consists_of(area, u8::is_ascii_lowercase)
                && names
                    .iter()
                    .all(|name| consists_of(name, u8::is_ascii_lowercase))
                && consists_of(number, u8::is_ascii_digit)
        }
        _ => false,
    }
}

fn access_key(url: &BrokerUrl) -> Option<(String, String)> {
    let (_, rest) = url.expose_secret().split_once("://")?;
    let (id, secret) = rest.rsplit_once('@')?.0.split_once(':')?;
    let decode = |text: &str| Some(percent_decode_str(text).decode_utf8().ok()?.into_owned());
    Some((decode(id)?, decode(secret)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_names_a_region_or_an_endpoint() {
        for (text, region, endpoint) in [
            ("sns://eu-west-1", Some("eu-west-1"), None),
            ("sns://us-gov-east-1", Some("us-gov-east-1"), None),
            ("sns://k:s@127.0.0.1:1", None, Some("http://127.0.0.1:1")),
            ("sns+tls://emulator:1", None, Some("https://emulator:1")),
            ("sns://eu-west-1:80", None, Some("http://eu-west-1:80")),
        ] {
            let url = BrokerUrl::parse(text).expect("an address");
            let found = place(&url);
            let expected = (region.map(str::to_owned), endpoint.map(str::to_owned));
            assert_eq!(found, expected, "{text}");
        }
        let url = BrokerUrl::parse("sns://k:s%2F@h:1").expect("an address");
        assert_eq!(access_key(&url), Some(("k".to_owned(), "s/".to_owned())));
    }
}
