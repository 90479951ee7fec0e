//! The queues of this build, by the kind of their broker.

use std::future::Future;

use highwater_types::{BrokerKind, BrokerUrl};

use super::queue::{GroupConsumer, TelemetryProducer};
#[cfg(feature = "remote")]
use crate::{backplane::check_broker_url, net::broker_servers::BrokerServers};
use crate::{for_each_broker, id::ClusterName, net::broker_location::UrlRejection};

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

/// The producer of a broker's queue.
#[cfg(feature = "remote")]
pub(super) trait BrokerProducer: TelemetryProducer<Address = BrokerAddress> {
    /// Checks the address of one server with the client library. By default as for the
    /// backplane, which uses the same library.
    fn check_url(url: &BrokerUrl) -> Result<(), UrlRejection> {
        check_broker_url(url)
    }
}

/// A check of the address of one server.
pub(super) type UrlCheck = fn(&BrokerUrl) -> Result<(), UrlRejection>;

/// The reason why there is no queue at a kind of broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoQueue {
    /// The build lacks this Cargo feature.
    #[allow(dead_code, reason = "not made in a build with every client")]
    NotBuilt(&'static str),
    /// Brokers of this kind carry no telemetry.
    NotAQueue,
}

macro_rules! define_broker_queues {
    ([] $((
        $feature:literal, $module:ident, $kind:ident, $_transport:tt, [$($producer:ident $consumer:ident)?], $_services:tt
    ))+) => {
        /// Returns the check of addresses of one kind of broker.
        pub(super) fn url_check(kind: BrokerKind) -> Result<UrlCheck, NoQueue> {
            match kind {
                $($(
                    #[cfg(feature = $feature)]
                    BrokerKind::$kind => Ok(super::$module::$producer::check_url),
                    #[cfg(not(feature = $feature))]
                    BrokerKind::$kind => Err(NoQueue::NotBuilt($feature)),
                )?)+
                #[allow(unreachable_patterns, reason = "reached if a broker is only a backplane")]
                _ => Err(NoQueue::NotAQueue),
            }
        }
        define_broker_queue!(run_broker_producer, ProducerTask, $($(($feature, $module, $kind, $producer))?)+);
        define_broker_queue!(run_broker_consumer, QueueTask, $($(($feature, $module, $kind, $consumer))?)+);
    };
}

/// Defines the function that picks one end of a broker's queue by the kind of the broker.
macro_rules! define_broker_queue {
    ($function:ident, $task:ident, $(($feature:literal, $module:ident, $kind:ident, $end:ident))+) => {
        pub(super) async fn $function<T: $task>(url: BrokerUrl, cluster: ClusterName, task: T) -> T::Output {
            match url.kind() {
                $(
                    #[cfg(feature = $feature)]
                    BrokerKind::$kind => {
                        let servers = BrokerServers::new(url);
                        let address = BrokerAddress { servers, cluster };
                        task.run::<super::$module::$end>(address).await
                    }
                )+
                #[allow(unreachable_patterns, reason = "reached if the build lacks a broker")]
                _ => {
                    drop((cluster, task));
                    unreachable!("no queue at {url}: TelemetryUrl rejects it")
                }
            }
        }
    };
}
for_each_broker!(define_broker_queues, []);
