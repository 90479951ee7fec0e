//! The start and the probe of each kind of service, one file per service.

pub mod activemq;
pub mod haproxy;
pub mod kafka;
pub mod ministack;
pub mod nats;
pub mod nats_cluster;
pub mod nginx;
pub mod pubsub;
pub mod rabbitmq;
pub mod rabbitmq_cluster;
pub mod redis;
pub mod redis_cluster;
pub mod redis_sentinel;
pub mod tansu;

use self::{
    activemq::{ActiveMqNetworkService, ActiveMqService},
    haproxy::HaproxyService,
    kafka::KafkaService,
    ministack::MinistackService,
    nats::NatsService,
    nginx::NginxService,
    pubsub::PubSubService,
    rabbitmq::RabbitMqService,
    rabbitmq_cluster::RabbitMqClusterService,
    redis::{RedisOptions, RedisService},
    redis_cluster::RedisClusterService,
    tansu::TansuService,
};
use crate::{Service, ServiceError, ServiceKind, proxy, stomp};

/// The port of a node in the documents' examples.
const NODE_PORT: u16 = 8080;

impl ServiceKind {
    /// Starts a service with persistent storage, if it stores anything, and waits until
    /// it answers.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn start(self) -> Result<Service, ServiceError> {
        match self {
            Self::Redis => RedisService::start(RedisOptions { persistent: true }),
            Self::RedisCluster => RedisClusterService::start(),
            Self::Nats => NatsService::start(),
            Self::RabbitMq => RabbitMqService::start(),
            Self::Kafka => KafkaService::start(),
            Self::Tansu => TansuService::start(),
            Self::PubSub => PubSubService::start(),
            Self::RabbitMqCluster => RabbitMqClusterService::start(),
            Self::ActiveMq => ActiveMqService::start(),
            Self::ActiveMqNetwork => ActiveMqNetworkService::start(),
            Self::Ministack | Self::MinistackStream => MinistackService::start(self),
            Self::Nginx => NginxService::start(NODE_PORT),
            Self::Haproxy => HaproxyService::start(NODE_PORT),
        }
    }

    /// Returns the reason why a service that nothing here can install is absent; `None` if it can
    /// be started.
    pub fn missing_optional(self) -> Option<ServiceError> {
        match self {
            Self::PubSub => pubsub::emulator().err(),
            _ => None,
        }
    }

    /// Whether a service of another process answers at `url`.
    pub fn is_ready_at(self, url: &str) -> bool {
        port(url).is_some_and(match self {
            Self::Redis => redis::is_ready,
            Self::RedisCluster => redis_cluster::is_complete,
            Self::Nats => nats::is_ready,
            Self::Kafka | Self::Tansu => kafka::is_ready,
            Self::PubSub => pubsub::is_ready,
            Self::RabbitMq | Self::RabbitMqCluster => rabbitmq::is_ready,
            Self::ActiveMq | Self::ActiveMqNetwork => stomp::is_ready,
            Self::Ministack | Self::MinistackStream => ministack::is_ready,
            Self::Nginx | Self::Haproxy => proxy::is_ready,
        })
    }
}

/// Returns the port of `SCHEME://[USER@]HOST:PORT[/PATH]`.
fn port(url: &str) -> Option<u16> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split('/').next()?;
    // The last colon: one may stand between user and password.
    authority.rsplit(':').next()?.parse().ok()
}
