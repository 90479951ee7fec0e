//! The driver of each kind of broker.

use highwater_types::BrokerKind;

use super::{driver::BrokerDriver, nats, rabbitmq, redis};

/// Returns the driver of a kind of broker.
pub(crate) fn driver(kind: BrokerKind) -> &'static dyn BrokerDriver {
    match kind {
        BrokerKind::Redis => &redis::Redis,
        BrokerKind::Nats => &nats::Nats,
        BrokerKind::RabbitMq => &rabbitmq::RabbitMq,
    }
}
