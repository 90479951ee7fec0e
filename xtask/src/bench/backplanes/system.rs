//! The backplanes to compare, and the broker that each of them needs.

use highwater_services::{
    NatsService, RabbitMqService, RedisClusterService, RedisOptions, RedisService, Service,
    ServiceError, ServiceKind,
};

/// A backplane.
pub(super) struct System {
    /// The name in `--only` and in the table.
    pub(super) name: &'static str,
    /// The start of its broker; `None` for the embedded one, which each run starts.
    pub(super) start: Option<fn() -> Result<Service, ServiceError>>,
}

impl System {
    /// Returns all of them, in the order of the table.
    pub(super) fn all() -> Vec<Self> {
        let external = |name, start| Self {
            name,
            start: Some(start),
        };
        vec![
            Self {
                name: "embedded",
                start: None,
            },
            external("redis", || {
                RedisService::start(RedisOptions { persistent: true })
            }),
            external("redis-cluster", RedisClusterService::start),
            external("nats", NatsService::start),
            external("rabbitmq", RabbitMqService::start),
            external("sns", || ServiceKind::Ministack.start()),
            external("dynamodb", || ServiceKind::MinistackStream.start()),
        ]
    }
}
