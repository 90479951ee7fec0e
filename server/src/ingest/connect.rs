//! The choice of the queue by the backplane's URL.

use std::future::Future;

#[cfg(feature = "amqp")]
use super::amqp::{AmqpConsumer, AmqpProducer};
#[cfg(any(feature = "redis", feature = "nats", feature = "amqp"))]
use super::broker_address::BrokerAddress;
#[cfg(feature = "nats")]
use super::nats::{NatsConsumer, NatsProducer};
#[cfg(feature = "redis")]
use super::redis::{RedisConsumer, RedisProducer};
use super::{
    local::{LocalAddress, LocalConsumer, LocalProducer},
    queue::{GroupConsumer, TelemetryProducer},
};
use crate::{backplane::BackplaneUrl, id::ClusterName};

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
/// that cluster.
pub(crate) async fn run_producer_task<T: ProducerTask>(
    url: BackplaneUrl,
    #[cfg_attr(
        not(any(feature = "redis", feature = "nats", feature = "amqp")),
        expect(unused_variables, reason = "only brokers that others use need it")
    )]
    cluster: ClusterName,
    task: T,
) -> T::Output {
    match url {
        BackplaneUrl::Local { authority } => {
            task.run::<LocalProducer>(LocalAddress::new(authority))
                .await
        }
        #[cfg(feature = "redis")]
        BackplaneUrl::Redis(server) => {
            task.run::<RedisProducer>(BrokerAddress { server, cluster })
                .await
        }
        #[cfg(feature = "nats")]
        BackplaneUrl::Nats(server) => {
            task.run::<NatsProducer>(BrokerAddress { server, cluster })
                .await
        }
        #[cfg(feature = "amqp")]
        BackplaneUrl::Amqp(server) => {
            task.run::<AmqpProducer>(BrokerAddress { server, cluster })
                .await
        }
    }
}

/// Runs a task with the consumer of the queue that the URL names, for the telemetry of
/// that cluster.
pub(crate) async fn run_queue_task<T: QueueTask>(
    url: BackplaneUrl,
    #[cfg_attr(
        not(any(feature = "redis", feature = "nats", feature = "amqp")),
        expect(unused_variables, reason = "only brokers that others use need it")
    )]
    cluster: ClusterName,
    task: T,
) -> T::Output {
    match url {
        BackplaneUrl::Local { authority } => {
            task.run::<LocalConsumer>(LocalAddress::new(authority))
                .await
        }
        #[cfg(feature = "redis")]
        BackplaneUrl::Redis(server) => {
            task.run::<RedisConsumer>(BrokerAddress { server, cluster })
                .await
        }
        #[cfg(feature = "nats")]
        BackplaneUrl::Nats(server) => {
            task.run::<NatsConsumer>(BrokerAddress { server, cluster })
                .await
        }
        #[cfg(feature = "amqp")]
        BackplaneUrl::Amqp(server) => {
            task.run::<AmqpConsumer>(BrokerAddress { server, cluster })
                .await
        }
    }
}
