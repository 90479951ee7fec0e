//! The kinds of services by name.

use crate::ServiceError;

/// A service that can be started. Its text is the name on the command line of xtask.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
#[strum(parse_err_ty = ServiceError, parse_err_fn = ServiceError::unknown)]
pub enum ServiceKind {
    /// One Redis server.
    Redis,
    /// Three Redis masters.
    RedisCluster,
    /// NATS with JetStream.
    Nats,
    /// RabbitMQ.
    #[strum(serialize = "rabbitmq")]
    RabbitMq,
    /// Three RabbitMQ servers.
    #[strum(serialize = "rabbitmq-cluster")]
    RabbitMqCluster,
    /// A broker of Kafka's protocol.
    Kafka,
    /// Another broker of Kafka's protocol, which keeps nothing.
    Tansu,
    /// Google's emulator of Pub/Sub. No package of Debian or Python has it, so it may be absent.
    #[strum(serialize = "pubsub")]
    PubSub,
    /// One broker of ActiveMQ Classic.
    #[strum(serialize = "activemq")]
    ActiveMq,
    /// Two brokers of ActiveMQ Classic that pass messages to each other.
    #[strum(serialize = "activemq-network")]
    ActiveMqNetwork,
    /// An emulator of SNS, SQS and DynamoDB.
    Ministack,
    /// An emulator like it, with the address of routing through a stream.
    MinistackStream,
    /// nginx in front of port 8080.
    Nginx,
    /// HAProxy in front of port 8080.
    Haproxy,
}

impl ServiceKind {
    /// All kinds.
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// Returns the name on the command line.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
