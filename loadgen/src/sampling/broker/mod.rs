//! What a broker says of itself, in the gauges of a record.
//!
//! One file a kind; the next one is written by looking at its neighbour. What a
//! broker does not tell is absent.

mod nats;
mod rabbitmq;
mod redis;

use ::reqwest::Client;
use highwater_scenarios::plan::BrokerSpec;
use highwater_types::{BrokerKind, BrokerUrl};

use super::{Gauges, scrape::scrape};

/// Where a broker is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BrokerEndpoint {
    /// `INFO` on a connection like any other.
    Redis(BrokerUrl),
    /// Address of `/varz`.
    Nats(String),
    /// Address of the Prometheus text.
    RabbitMq(String),
}

/// What a broker of each kind would have said with `text`; for fuzz targets.
pub(crate) fn read_as_each_kind(text: &str) -> [Gauges; 3] {
    [
        redis::gauges(text),
        nats::gauges(text).unwrap_or_default(),
        rabbitmq::gauges(text),
    ]
}

/// Asks brokers. It owns the connections that stay open between samples.
#[derive(Debug, Default)]
pub(super) struct BrokerSampler {
    redis: redis::RedisConnections,
}

impl BrokerEndpoint {
    /// Where `broker` is asked; `None` if that is not known.
    pub fn for_broker(broker: &BrokerSpec) -> Option<Self> {
        let monitor = broker.monitor.as_deref();
        match broker.url.kind() {
            BrokerKind::Redis => Some(Self::Redis(broker.url.clone())),
            BrokerKind::Nats => monitor.map(|base| Self::Nats(with_default_path(base, "/varz"))),
            BrokerKind::RabbitMq => {
                monitor.map(|base| Self::RabbitMq(with_default_path(base, "/metrics")))
            }
        }
    }
}

impl BrokerSampler {
    /// What the broker says, within less than a second; `None` if it does not
    /// answer.
    pub(super) async fn gauges(
        &self,
        client: &Client,
        endpoint: &BrokerEndpoint,
    ) -> Option<Gauges> {
        match endpoint {
            BrokerEndpoint::Redis(url) => {
                let info = self.redis.info(url).await?;
                Some(redis::gauges(&info))
            }
            BrokerEndpoint::Nats(varz) => {
                let text = scrape(client, varz).await.ok()?;
                nats::gauges(&text)
            }
            BrokerEndpoint::RabbitMq(metrics) => {
                let text = scrape(client, metrics).await.ok()?;
                Some(rabbitmq::gauges(&text))
            }
        }
    }
}

/// `path` below an address that has none of its own.
fn with_default_path(address: &str, path: &str) -> String {
    let host = address.split_once("://").map_or(address, |(_, host)| host);
    match host.trim_end_matches('/').contains('/') {
        true => address.to_owned(),
        false => format!("{}{path}", address.trim_end_matches('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_put_below_an_address_without_one() {
        assert_eq!(
            with_default_path("http://h:8222", "/varz"),
            "http://h:8222/varz"
        );
        assert_eq!(
            with_default_path("http://h:8222/", "/varz"),
            "http://h:8222/varz"
        );
        assert_eq!(
            with_default_path("http://h/nats/varz", "/varz"),
            "http://h/nats/varz"
        );
    }
}
