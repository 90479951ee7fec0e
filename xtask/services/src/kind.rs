//! The kinds of services that can be started.

use std::{fmt, str::FromStr};

use crate::{
    HaproxyService, NatsService, NginxService, RabbitMqService, RedisClusterService, RedisOptions,
    RedisService, Service, ServiceError, haproxy, nats, nginx, proxy, rabbitmq, redis,
    redis_cluster,
};

/// A service that can be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceKind {
    /// One Redis server.
    Redis,
    /// Three Redis masters.
    RedisCluster,
    /// NATS with JetStream.
    Nats,
    /// RabbitMQ.
    RabbitMq,
    /// nginx in front of port 8080.
    Nginx,
    /// HAProxy in front of port 8080.
    Haproxy,
}

impl ServiceKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::Redis,
        Self::RedisCluster,
        Self::Nats,
        Self::RabbitMq,
        Self::Nginx,
        Self::Haproxy,
    ];

    /// Returns the name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Redis => redis::NAME,
            Self::RedisCluster => redis_cluster::NAME,
            Self::Nats => nats::NAME,
            Self::RabbitMq => rabbitmq::NAME,
            Self::Nginx => nginx::NAME,
            Self::Haproxy => haproxy::NAME,
        }
    }

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
            Self::Nginx => NginxService::start(proxy::DEFAULT_NODE_PORT),
            Self::Haproxy => HaproxyService::start(proxy::DEFAULT_NODE_PORT),
        }
    }

    /// Whether a service of another process answers at `url`.
    pub fn is_ready_at(self, url: &str) -> bool {
        let Some(port) = port(url) else {
            return false;
        };
        match self {
            Self::Redis => redis::is_ready(port),
            Self::RedisCluster => redis_cluster::is_complete(port),
            Self::Nats => nats::is_ready(port),
            Self::RabbitMq => rabbitmq::is_ready(port),
            Self::Nginx | Self::Haproxy => proxy::is_ready(port),
        }
    }
}

impl FromStr for ServiceKind {
    type Err = ServiceError;

    fn from_str(name: &str) -> Result<Self, ServiceError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| ServiceError::Unknown(name.to_owned()))
    }
}

impl fmt::Display for ServiceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Returns the port of `SCHEME://[USER@]HOST:PORT[/PATH]`.
fn port(url: &str) -> Option<u16> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split('/').next()?;
    authority.rsplit(':').next()?.parse().ok()
}
