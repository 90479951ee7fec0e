//! The clients of the services, for one connection of one node.

use std::{sync::Arc, time::Duration};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::region::EnvironmentVariableRegionProvider,
    meta::region::RegionProviderChain,
};
use aws_sdk_sqs::config::{
    Credentials, SharedHttpClient, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use highwater_types::BrokerUrl;

use super::{address::AwsAddress, requests::CountRequests, retry::OnlyAnswered};
use crate::backplane::{
    RequestCounters,
    remote::{TransportError, TransportResult},
};

/// The region of requests to an endpoint, unless the environment names one. An emulator accepts
/// any.
const DEFAULT_REGION: &str = "us-east-1";
/// The time for a TCP connection with its handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The time for a request with its repetitions.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(4);
/// The attempts of a request that the service rejects for its own reasons, such as its rate.
const MAX_ATTEMPTS: u32 = 4;
/// The time for which the service holds a request for messages where no message waits. SQS
/// allows at most this.
pub(super) const LONG_POLL: Duration = Duration::from_secs(20);

/// The clients. They share connections, which end when the last clone is dropped.
#[derive(Debug, Clone)]
pub(super) struct AwsClients {
    pub(super) sns: aws_sdk_sns::Client,
    pub(super) sqs: aws_sdk_sqs::Client,
    /// A client of SQS that waits for messages.
    pub(super) polling: aws_sdk_sqs::Client,
    pub(super) dynamodb: aws_sdk_dynamodb::Client,
    pub(super) streams: aws_sdk_dynamodbstreams::Client,
}

impl AwsClients {
    /// Creates clients for the services of a URL. Nothing is sent, except to find credentials.
    pub(super) async fn new(
        url: &BrokerUrl,
        requests: Arc<RequestCounters>,
    ) -> TransportResult<Self> {
        let config = load_config(url).await?;
        let count = CountRequests(requests);
        let polling = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_timeout(LONG_POLL + REQUEST_TIMEOUT)
            .build();
        let sns = aws_sdk_sns::config::Builder::from(&config)
            .retry_classifier(OnlyAnswered)
            .interceptor(count.clone());
        let sqs = || {
            aws_sdk_sqs::config::Builder::from(&config)
                .retry_classifier(OnlyAnswered)
                .interceptor(count.clone())
        };
        let dynamodb = aws_sdk_dynamodb::config::Builder::from(&config)
            .retry_classifier(OnlyAnswered)
            .interceptor(count.clone());
        let streams = aws_sdk_dynamodbstreams::config::Builder::from(&config)
            .retry_classifier(OnlyAnswered)
            .interceptor(count.clone());
        Ok(Self {
            streams: aws_sdk_dynamodbstreams::Client::from_conf(streams.build()),
            sns: aws_sdk_sns::Client::from_conf(sns.build()),
            polling: aws_sdk_sqs::Client::from_conf(sqs().timeout_config(polling).build()),
            sqs: aws_sdk_sqs::Client::from_conf(sqs().build()),
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
        })
    }
}

/// Reads the environment, the profile and the URL, of which the URL counts first.
async fn load_config(url: &BrokerUrl) -> TransportResult<SdkConfig> {
    let address = AwsAddress::from_url(url)?;
    // Not the default chain: it would ask a service that only the provider's machines have.
    let region = RegionProviderChain::first_try(address.region.clone().map(Region::new))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(Region::new(DEFAULT_REGION));
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_timeout(REQUEST_TIMEOUT)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(region)
        .http_client(http_client(url)?)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS));
    if let Some(endpoint) = &address.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(key) = &address.key {
        let key = Credentials::new(&key.id, &key.secret, None, None, "URL");
        loader = loader.credentials_provider(key);
    }
    Ok(loader.load().await)
}

fn http_client(url: &BrokerUrl) -> TransportResult<SharedHttpClient> {
    let trusted = match url.ca() {
        Some(pem) => TrustStore::empty().with_pem_certificate(pem),
        None => TrustStore::default(),
    };
    let tls = TlsContext::builder().with_trust_store(trusted).build();
    let tls = tls.map_err(TransportError::broken)?;
    Ok(Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(tls)
        .build_https())
}
