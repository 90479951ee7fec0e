//! The choice of the queue by the backplane's URL.

use std::future::Future;

use highwater_types::{BrokerKind, BrokerUrl};

use super::{
    local::{LocalAddress, LocalConsumer, LocalProducer},
    queue::{GroupConsumer, TelemetryProducer},
};
#[cfg(feature = "remote")]
use crate::net::broker_servers::BrokerServers;
use crate::{
    backplane::{BackplaneUrl, ClusterSecret},
    for_each_broker,
    id::ClusterName,
};

/// A broker that other systems may use too, and the cluster whose telemetry it queues.
#[cfg(feature = "remote")]
#[derive(Debug, Clone)]
pub(super) struct BrokerAddress {
    pub(super) servers: BrokerServers,
    /// Part of every name at the broker.
    pub(super) cluster: ClusterName,
}

/// A task that hands telemetry to a queue, of whichever kind.
pub(crate) trait ProducerTask {
    type Output;

    fn run<P: TelemetryProducer>(
        self,
        address: P::Address,
    ) -> impl Future<Output = Self::Output> + Send;
}

/// A task that consumes a queue as a member of a group, of whichever kind.
pub(crate) trait QueueTask {
    type Output;

    fn run<M: GroupConsumer>(
        self,
        address: M::Address,
    ) -> impl Future<Output = Self::Output> + Send;
}

/// Runs a task with the producer of the queue that the URL names, for the telemetry of
/// that cluster. Only the embedded broker knows peers by the secret.
pub(crate) async fn run_producer_task<T: ProducerTask>(
    url: BackplaneUrl,
    cluster: ClusterName,
    secret: Option<ClusterSecret>,
    task: T,
) -> T::Output {
    match url {
        BackplaneUrl::Local { authority } => {
            task.run::<LocalProducer>(LocalAddress::new(authority, secret))
                .await
        }
        BackplaneUrl::Broker(url) => run_broker_producer(url, cluster, task).await,
    }
}

/// Runs a task with the consumer of the queue that the URL names, for the telemetry of
/// that cluster. Only the embedded broker knows peers by the secret.
pub(crate) async fn run_queue_task<T: QueueTask>(
    url: BackplaneUrl,
    cluster: ClusterName,
    secret: Option<ClusterSecret>,
    task: T,
) -> T::Output {
    match url {
        BackplaneUrl::Local { authority } => {
            task.run::<LocalConsumer>(LocalAddress::new(authority, secret))
                .await
        }
        BackplaneUrl::Broker(url) => run_broker_consumer(url, cluster, task).await,
    }
}

macro_rules! define_broker_queues {
    ([] $((
        $feature:literal, $module:ident, $kind:ident, $_transport:ident, $producer:ident, $consumer:ident, $_services:tt
    ))+) => {
        define_broker_queue!(run_broker_producer, ProducerTask, $(($feature, $module, $kind, $producer))+);
        define_broker_queue!(run_broker_consumer, QueueTask, $(($feature, $module, $kind, $consumer))+);
    };
}

/// Defines the function that picks one end of a broker's queue by the kind of the broker.
macro_rules! define_broker_queue {
    ($function:ident, $task:ident, $(($feature:literal, $module:ident, $kind:ident, $end:ident))+) => {
        async fn $function<T: $task>(url: BrokerUrl, cluster: ClusterName, task: T) -> T::Output {
            match url.kind() {
                $(
                    #[cfg(feature = $feature)]
                    BrokerKind::$kind => {
                        let servers = BrokerServers::new(url);
                        let address = BrokerAddress { servers, cluster };
                        task.run::<super::$module::$end>(address).await
                    }
                    #[cfg(not(feature = $feature))]
                    BrokerKind::$kind => {
                        drop((cluster, task));
                        unreachable!("no client for {url}: BackplaneUrl rejects it")
                    }
                )+
            }
        }
    };
}
for_each_broker!(define_broker_queues, []);
