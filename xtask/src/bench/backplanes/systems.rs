//! The backplanes to compare.

use highwater_services::{
    NatsService, RabbitMqService, RedisClusterService, RedisOptions, RedisService, Service,
    ServiceKind,
};

use crate::bench::system::System;

/// Returns all backplanes, in the order of the table.
pub(super) fn systems() -> Vec<System> {
    vec![
        System::embedded(),
        System::external("redis", || {
            RedisService::start(RedisOptions { persistent: true })
        }),
        System::external("redis-cluster", RedisClusterService::start),
        System::external("nats", NatsService::start),
        System::external("rabbitmq", RabbitMqService::start),
        System::external("sns", || ServiceKind::Ministack.start()),
        System::external("dynamodb", || ServiceKind::MinistackStream.start()),
    ]
}

/// Returns the settings of a run over a backplane; none for the embedded broker.
pub(super) fn settings(backplane: Option<&Service>) -> Vec<String> {
    let Some(service) = backplane else {
        return Vec::new();
    };
    let url = format!("cluster.backplane={}", service.url());
    let monitor = service.monitor_url();
    let monitor = monitor.map(|monitor| format!("cluster.broker.monitor={monitor}"));
    [url].into_iter().chain(monitor).collect()
}
