//! The services there are.

use std::{fmt, str::FromStr};

use crate::{
    Haproxy, Nats, Nginx, RabbitMq, Redis, RedisCluster, RedisOptions, Service, ServiceError, nats,
    proxy, rabbitmq, redis, redis_cluster,
};

/// A service that can be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
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

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Redis,
        Self::RedisCluster,
        Self::Nats,
        Self::RabbitMq,
        Self::Nginx,
        Self::Haproxy,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::RedisCluster => "redis-cluster",
            Self::Nats => "nats",
            Self::RabbitMq => "rabbitmq",
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
        }
    }

    /// Starts one that keeps what it is given, if it is given anything, and waits until
    /// it answers.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn start(self) -> Result<Service, ServiceError> {
        match self {
            Self::Redis => Redis::start(RedisOptions { persistent: true }),
            Self::RedisCluster => RedisCluster::start(),
            Self::Nats => Nats::start(),
            Self::RabbitMq => RabbitMq::start(),
            Self::Nginx => Nginx::start(proxy::USUAL_NODE),
            Self::Haproxy => Haproxy::start(proxy::USUAL_NODE),
        }
    }

    /// Whether one started elsewhere answers at `url`.
    pub fn answers(self, url: &str) -> bool {
        let Some(port) = port(url) else {
            return false;
        };
        match self {
            Self::Redis => redis::answers(port),
            Self::RedisCluster => redis_cluster::is_complete(port),
            Self::Nats => nats::answers(port),
            Self::RabbitMq => rabbitmq::answers(port),
            Self::Nginx | Self::Haproxy => proxy::answers(port),
        }
    }
}

impl FromStr for Kind {
    type Err = ServiceError;

    fn from_str(name: &str) -> Result<Self, ServiceError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| ServiceError::Unknown(name.to_owned()))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Of `SCHEME://[USER@]HOST:PORT[/PATH]`.
fn port(url: &str) -> Option<u16> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split('/').next()?;
    authority.rsplit(':').next()?.parse().ok()
}
