//! From the backplane's URL to the queue.

use std::{future::Future, sync::Arc};

use highwater_types::{BrokerKind, BrokerUrl};

#[cfg(feature = "remote")]
use super::broker_address::BrokerAddress;
use super::{
    intake::{self, TelemetryReceiver},
    local::{LocalAddress, LocalConsumer, LocalProducer},
    queue::GroupConsumer,
};
use crate::{backplane::BackplaneUrl, for_each_broker, id::ClusterName, node::Node};

/// Something that is done as a member of a group, whatever the queue.
pub(crate) trait QueueTask {
    type Output;

    fn run<M: GroupConsumer>(
        self,
        address: M::Address,
    ) -> impl Future<Output = Self::Output> + Send;
}

/// Moves the node's telemetry to the queue that its URL names. A node without one rejects
/// telemetry already at the socket.
pub(crate) async fn run_intake(node: Arc<Node>, telemetry: TelemetryReceiver) {
    match node.config.backplane.clone() {
        None => {}
        Some(BackplaneUrl::Local { authority }) => {
            let address = LocalAddress::new(authority);
            intake::run_producer::<LocalProducer>(node, address, telemetry).await;
        }
        Some(BackplaneUrl::Broker(url)) => run_broker_intake(url, node, telemetry).await,
    }
}

/// Runs a task as a member of a consumer group, for the telemetry of that cluster.
pub(crate) async fn run_queue_task<T: QueueTask>(
    url: BackplaneUrl,
    cluster: ClusterName,
    task: T,
) -> T::Output {
    match url {
        BackplaneUrl::Local { authority } => {
            let address = LocalAddress::new(authority);
            task.run::<LocalConsumer>(address).await
        }
        BackplaneUrl::Broker(url) => run_broker_task(url, cluster, task).await,
    }
}

macro_rules! define_broker_queues {
    ([] $((
        $feature:literal, $module:ident, $kind:ident, $_transport:ident, $producer:ident, $consumer:ident, $_services:tt
    ))+) => {
        async fn run_broker_intake(url: BrokerUrl, node: Arc<Node>, telemetry: TelemetryReceiver) {
            match url.kind() {
                $(
                    #[cfg(feature = $feature)]
                    BrokerKind::$kind => {
                        let cluster = node.config.cluster.clone();
                        let address = BrokerAddress { server: url, cluster };
                        intake::run_producer::<super::$module::$producer>(node, address, telemetry)
                            .await;
                    }
                    #[cfg(not(feature = $feature))]
                    BrokerKind::$kind => {
                        drop((node, telemetry));
                        unreachable!("no client for {url}: BackplaneUrl rejects it")
                    }
                )+
            }
        }

        async fn run_broker_task<T: QueueTask>(
            url: BrokerUrl,
            cluster: ClusterName,
            task: T,
        ) -> T::Output {
            match url.kind() {
                $(
                    #[cfg(feature = $feature)]
                    BrokerKind::$kind => {
                        let address = BrokerAddress { server: url, cluster };
                        task.run::<super::$module::$consumer>(address).await
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
