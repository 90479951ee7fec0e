//! The settings of the client library, and the names at the broker.

use std::time::Duration;

use highwater_types::BrokerUrl;
use rdkafka::{ClientConfig, ClientContext, config::RDKafkaLogLevel, error::KafkaError};

use super::super::queue::QueueError;
use crate::{
    id::{ClusterName, ConsumerGroup},
    net::broker_location::UrlRejection,
};

/// The silence after which a member is dead: the shortest session that brokers allow by default.
pub(super) const SESSION_TIMEOUT: Duration = Duration::from_secs(6);

/// The time for one call to the broker.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// The client library's own events. It logs them, and errors that it recovers from.
pub(super) struct KafkaLog;

impl ClientContext for KafkaLog {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        log_error(&error, reason);
    }
}

/// Logs a line of the client library.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error
        | RDKafkaLogLevel::Warning => tracing::warn!(facility, "Kafka client: {message}"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
            tracing::debug!(facility, "Kafka client: {message}");
        }
    }
}

/// Logs an error from which the client library recovers by itself.
pub(super) fn log_error(error: &KafkaError, reason: &str) {
    tracing::warn!(%error, reason, "Kafka is not reached; the client library goes on trying");
}

/// Checks the address of one server.
pub(super) fn check_url(url: &BrokerUrl) -> Result<(), UrlRejection> {
    // The client library is built without TLS, and so without a way to protect a password.
    if url.is_tls() {
        return Err(UrlRejection::WithoutTls);
    }
    let has_user = url.expose_secret().contains('@');
    match url.path() {
        "" | "/" if !has_user => Ok(()),
        _ => Err(UrlRejection::Invalid),
    }
}

/// Returns the settings that every client needs.
pub(super) fn client_config(url: &BrokerUrl, name: &str) -> ClientConfig {
    let servers: Vec<String> = url.servers().iter().map(ToString::to_string).collect();
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", servers.join(","))
        .set("client.id", name)
        .set("socket.connection.setup.timeout.ms", "5000")
        // A broker that is back is found within a second.
        .set("reconnect.backoff.max.ms", "1000")
        .set_log_level(RDKafkaLogLevel::Info);
    config
}

/// Returns the topic of a cluster's telemetry.
pub(super) fn topic_name(cluster: &ClusterName) -> String {
    format!("highwater.{cluster}.telemetry")
}

/// Returns the name of a group at the broker.
pub(super) fn group_id(cluster: &ClusterName, group: &ConsumerGroup) -> String {
    format!("{}{group}", group_prefix(&topic_name(cluster)))
}

/// Returns the beginning of the names of all groups of a topic.
pub(super) fn group_prefix(topic: &str) -> String {
    format!("{topic}.")
}

impl From<KafkaError> for QueueError {
    fn from(error: KafkaError) -> Self {
        Self::disconnected(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_has_servers_and_nothing_else() {
        let check = |text| check_url(&BrokerUrl::parse(text).unwrap());
        assert!(check("kafka://a").is_ok());
        assert!(check("kafka://a:1/").is_ok());
        for text in ["kafka://u:p@a", "kafka://a/b", "kafka://a?b=c"] {
            assert!(matches!(check(text), Err(UrlRejection::Invalid)), "{text}");
        }
        let tls = check("kafka+tls://a");
        assert!(matches!(tls, Err(UrlRejection::WithoutTls)));
        let url = BrokerUrl::parse("kafka://a,[::1]:1").unwrap();
        let config = client_config(&url, "n1");
        assert_eq!(config.get("bootstrap.servers"), Some("a:9092,[::1]:1"));
    }
}
