//! RabbitMQ: an AMQP connection, opened and closed in order.

use highwater_scenarios::BrokerUrl;
use lapin::{Connection, ConnectionProperties};

use crate::causes::in_full;

/// AMQP's code of an end without a fault.
const SUCCESS: u16 = 200;

pub(super) async fn connect(url: &BrokerUrl) -> Result<(), String> {
    let exchange = async {
        let connection =
            Connection::connect(url.in_full(), ConnectionProperties::default()).await?;
        connection.close(SUCCESS, "asked".into()).await
    };
    exchange
        .await
        .map_err(|error: lapin::Error| in_full(&error))
}
