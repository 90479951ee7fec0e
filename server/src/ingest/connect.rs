//! From the backplane's URL to the queue.

use std::{future::Future, sync::Arc};

#[cfg(feature = "amqp")]
use super::amqp::{AmqpMember, AmqpProducer};
#[cfg(any(feature = "redis", feature = "nats", feature = "amqp"))]
use super::broker_address::BrokerAddress;
#[cfg(feature = "nats")]
use super::nats::{NatsMember, NatsProducer};
#[cfg(feature = "redis")]
use super::redis::{RedisMember, RedisProducer};
use super::{
    intake::{self, Arriving},
    local::{LocalAddress, LocalMember, LocalProducer},
    queue::Member,
};
use crate::{backplane::BackplaneUrl, id::ClusterName, node::Node};

/// Something that is done as a member of a group, whatever the queue.
pub(crate) trait Job {
    type Output;

    fn run<M: Member>(self, address: M::Address) -> impl Future<Output = Self::Output> + Send;
}

/// Hands the node's readings to the queue that its URL names; a node without one
/// refuses them at the door.
pub(crate) async fn run(node: Arc<Node>, arriving: Arriving) {
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
            intake::run::<LocalProducer>(node, address, arriving).await;
        }
        #[cfg(feature = "redis")]
        BackplaneUrl::Redis(server) => {
            let address = at(server);
            intake::run::<RedisProducer>(node, address, arriving).await;
        }
        #[cfg(feature = "nats")]
        BackplaneUrl::Nats(server) => {
            let address = at(server);
            intake::run::<NatsProducer>(node, address, arriving).await;
        }
        #[cfg(feature = "amqp")]
        BackplaneUrl::Amqp(server) => {
            let address = at(server);
            intake::run::<AmqpProducer>(node, address, arriving).await;
        }
    }
}

/// Does a job as a member of a group of the queue that the URL names, for the readings
/// of that cluster.
pub(crate) async fn on_queue<J: Job>(
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
            job.run::<LocalMember>(LocalAddress::new(authority)).await
        }
        #[cfg(feature = "redis")]
        BackplaneUrl::Redis(server) => {
            job.run::<RedisMember>(BrokerAddress { server, cluster })
                .await
        }
        #[cfg(feature = "nats")]
        BackplaneUrl::Nats(server) => {
            job.run::<NatsMember>(BrokerAddress { server, cluster })
                .await
        }
        #[cfg(feature = "amqp")]
        BackplaneUrl::Amqp(server) => {
            job.run::<AmqpMember>(BrokerAddress { server, cluster })
                .await
        }
    }
}
