//! The registry of the message brokers that this server can use.
//!
//! ```text
//!                     ┌─► backplane/transports.rs a transport joins the nodes
//! for_each_broker! ───┼─► ingest/registry.rs      a producer and a consumer carry telemetry
//!                     ├─► backplane/remote/conformance/  one suite for each transport
//!                     └─► tests/it/ground/        a broker to run each test against
//! ```
//!
//! A broker is a backplane, a telemetry queue, or both. In its line, the brackets of what it is
//! not are empty. A further broker needs:
//!
//! - a line in the table below, and an entry in `highwater_types::BrokerKind`;
//! - for a backplane the folder `backplane/MODULE/` with a transport, for a queue the file
//!   `ingest/MODULE.rs` with a producer and a consumer, each with its `mod` line;
//! - a Cargo feature, which enables `remote`;
//! - a service in `xtask/services` that starts the broker for tests, if there is none yet.
//!
//! The `mod` lines are written by hand, because rustfmt does not find files by lines that a
//! macro generates.

/// Calls a macro with arguments and the table of brokers.
///
/// The table contains only words, which the called macro turns into paths. It depends on no
/// module of the crate, so every layer may use it.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_broker {
    ($callback:path, $arguments:tt) => {
        $callback! {
            $arguments
            // The last one is slower than the tests of whole clusters allow: a filter is between its nodes.
            // feature, module, kind, [transport], [producer consumer], [services that tests use]
            ("redis", redis, Redis, [RedisTransport], [RedisProducer RedisConsumer], [redis: Redis, redis_cluster: RedisCluster])
            ("nats", nats, Nats, [NatsTransport], [NatsProducer NatsConsumer], [nats: Nats])
            ("amqp", amqp, RabbitMq, [AmqpTransport], [AmqpProducer AmqpConsumer], [rabbitmq: RabbitMq])
            ("kafka", kafka, Kafka, [], [KafkaProducer KafkaConsumer], [kafka: Kafka, tansu: Tansu])
            ("gcp-pubsub", pubsub, PubSub, [], [PubSubProducer PubSubConsumer], [pubsub: PubSub])
            ("aws", aws, Sns, [SnsTransport], [], [ministack: Ministack])
            ("aws", dynamodb, DynamoDb, [StreamTransport], [], [])
        }
    };
}
