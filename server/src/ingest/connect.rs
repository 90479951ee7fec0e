//! The choice of the queue by its URL.

use super::{
    TelemetryUrl,
    local::{LocalAddress, LocalConsumer, LocalProducer},
    registry::{ProducerTask, QueueTask, run_broker_consumer, run_broker_producer},
};
use crate::{backplane::ClusterSecret, id::ClusterName, net::broker_location::BrokerLocation};

/// Runs a task with the producer of the queue that the URL names, for the telemetry of
/// that cluster. Only the embedded broker knows peers by the secret.
pub(crate) async fn run_producer_task<T: ProducerTask>(
    url: TelemetryUrl,
    cluster: ClusterName,
    secret: Option<ClusterSecret>,
    task: T,
) -> T::Output {
    match url.into_location() {
        BrokerLocation::Embedded { authority } => {
            task.run::<LocalProducer>(LocalAddress::new(authority, secret))
                .await
        }
        BrokerLocation::External(url) => run_broker_producer(url, cluster, task).await,
    }
}

/// Runs a task with the consumer of the queue that the URL names, for the telemetry of
/// that cluster. Only the embedded broker knows peers by the secret.
pub(crate) async fn run_queue_task<T: QueueTask>(
    url: TelemetryUrl,
    cluster: ClusterName,
    secret: Option<ClusterSecret>,
    task: T,
) -> T::Output {
    match url.into_location() {
        BrokerLocation::Embedded { authority } => {
            task.run::<LocalConsumer>(LocalAddress::new(authority, secret))
                .await
        }
        BrokerLocation::External(url) => run_broker_consumer(url, cluster, task).await,
    }
}
