//! From the backplane's URL to the queue.

use std::{future::Future, sync::Arc};

#[cfg(feature = "amqp")]
use super::amqp::{AmqpConsumer, AmqpProducer};
#[cfg(any(feature = "redis", feature = "nats", feature = "amqp"))]
use super::broker_address::BrokerAddress;
#[cfg(feature = "nats")]
use super::nats::{NatsConsumer, NatsProducer};
#[cfg(feature = "redis")]
use super::redis::{RedisConsumer, RedisProducer};
use super::{
    intake::{self, TelemetryReceiver},
    local::{LocalAddress, LocalConsumer, LocalProducer},
    queue::GroupConsumer,
};
use crate::{backplane::BackplaneUrl, id::ClusterName, node::Node};

/// Something that is done as a member of a group, whatever the queue.
pub(crate) trait QueueTask {
    type Output;

    fn run<M: GroupConsumer>(
        self,
        address: M::Address,
    ) -> impl Future<Output = Self::Output> + Send;
}

/// Hands the node's readings to the queue that its URL names; a node without one
/// refuses them at the door.
pub(crate) async fn run_intake(node: Arc<Node>, telemetry: TelemetryReceiver) {
    let Some(url) = node.config.backplane.clone() else {
        return;
    };
    #[cfg(any(feature = "redis", feature = "nats", feature = "amqp"))]
    let at = |server| BrokerAddress {
        server,
        cluster: node.config.cluster.clone(),
    };
    match url {
        BackplaneUrl::Local { authority } => {
            let address = LocalAddress::new(authority);
            intake::run_producer::<LocalProducer>(node, address, telemetry).await;
        }
        #[cfg(feature = "redis")]
        BackplaneUrl::Redis(server) => {
            let address = at(server);
            intake::run_producer::<RedisProducer>(node, address, telemetry).await;
        }
        #[cfg(feature = "nats")]
        BackplaneUrl::Nats(server) => {
            let address = at(server);
            intake::run_producer::<NatsProducer>(node, address, telemetry).await;
        }
        #[cfg(feature = "amqp")]
        BackplaneUrl::Amqp(server) => {
            let address = at(server);
            intake::run_producer::<AmqpProducer>(node, address, telemetry).await;
        }
    }
}

/// Does a job as a member of a group of the queue that the URL names, for the readings
/// of that cluster.
pub(crate) async fn run_queue_task<J: QueueTask>(
    url: BackplaneUrl,
    #[cfg_attr(
        not(any(feature = "redis", feature = "nats", feature = "amqp")),
        expect(unused_variables, reason = "only brokers that others use need it")
    )]
    cluster: ClusterName,
    job: J,
) -> J::Output {
    match url {
        BackplaneUrl::Local { authority } => {
            job.run::<LocalConsumer>(LocalAddress::new(authority)).await
        }
        #[cfg(feature = "redis")]
        BackplaneUrl::Redis(server) => {
            job.run::<RedisConsumer>(BrokerAddress { server, cluster })
                .await
        }
        #[cfg(feature = "nats")]
        BackplaneUrl::Nats(server) => {
            job.run::<NatsConsumer>(BrokerAddress { server, cluster })
                .await
        }
        #[cfg(feature = "amqp")]
        BackplaneUrl::Amqp(server) => {
            job.run::<AmqpConsumer>(BrokerAddress { server, cluster })
                .await
        }
    }
}
