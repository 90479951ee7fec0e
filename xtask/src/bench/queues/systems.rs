//! The queues to compare.

use highwater_services::{
    KafkaService, NatsService, PubSubService, RabbitMqService, RedisOptions, RedisService, Service,
    TansuService,
};

use crate::bench::system::System;

/// Returns all queues, in the order of the table.
pub(super) fn systems() -> Vec<System> {
    vec![
        System::embedded(),
        System::external("redis", || {
            RedisService::start(RedisOptions { persistent: true })
        }),
        System::external("nats", NatsService::start),
        System::external("rabbitmq", RabbitMqService::start),
        System::external("kafka-noida-db", KafkaService::start),
        System::external("kafka-tansu", TansuService::start),
        System::external("pubsub", PubSubService::start),
    ]
}

/// Returns the settings of a run over a queue; none for the embedded broker. The backplane is the
/// embedded broker in every run, so that only the queue differs.
pub(super) fn settings(queue: Option<&Service>) -> Vec<String> {
    let url = queue.map(|service| format!("cluster.telemetry={}", service.url()));
    url.into_iter().collect()
}
