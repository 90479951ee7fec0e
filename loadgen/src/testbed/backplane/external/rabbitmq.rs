//! RabbitMQ: an AMQP connection, and the exchanges and queues of a cluster.

use highwater_types::BrokerUrl;
use lapin::{
    Connection, ConnectionProperties, Error, ErrorKind,
    options::{ExchangeDeleteOptions, QueueDeleteOptions},
};

use crate::{error_chain::error_chain, testbed::consumer::CONSUMER_GROUP};

/// AMQP's code of an end without a fault.
const SUCCESS: u16 = 200;
/// Its code for what cannot be done now: here, to delete what is in use.
const PRECONDITION_FAILED: u16 = 406;

pub(super) async fn check_connection(url: &BrokerUrl) -> Result<(), String> {
    let exchange = async {
        let connection = open(url).await?;
        connection.close(SUCCESS, "asked".into()).await
    };
    exchange.await.map_err(|error: Error| error_chain(&error))
}

/// Removes the cluster's exchanges, the queues of its roster and that of its readings. Answers with
/// what a node that has ended would not have left: an inbox, which is bound to
/// the exchange for everyone.
pub(super) async fn cleanup(url: &BrokerUrl, cluster: &str) -> Result<Vec<String>, String> {
    let tidied = async {
        let connection = open(url).await?;
        let name = |what: &str| format!("highwater.{cluster}.{what}");
        // Held until the connection is closed: one that is dropped just before
        // closes itself at the same time, which lapin takes for a failure.
        let mut channel = connection.create_channel().await?;
        let telemetry = format!("telemetry.{CONSUMER_GROUP}");
        for queue in ["membership_table", "membership_table.lock", &telemetry].map(name) {
            let options = QueueDeleteOptions::default();
            channel.queue_delete(queue.as_str().into(), options).await?;
        }
        let mut left = Vec::new();
        for exchange in ["everyone", "topics", "telemetry"].map(name) {
            let unused = ExchangeDeleteOptions {
                if_unused: true,
                ..ExchangeDeleteOptions::default()
            };
            match channel
                .exchange_delete(exchange.as_str().into(), unused)
                .await
            {
                Err(error) if is_in_use(&error) => {
                    left.push(format!("a queue at {exchange}"));
                    // An error ends a channel.
                    channel = connection.create_channel().await?;
                }
                done => done?,
            }
        }
        connection.close(SUCCESS, "done".into()).await?;
        Ok(left)
    };
    tidied.await.map_err(|error: Error| error_chain(&error))
}

async fn open(url: &BrokerUrl) -> Result<Connection, Error> {
    Connection::connect(url.expose_secret(), ConnectionProperties::default()).await
}

fn is_in_use(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::ProtocolError(error) => error.get_id() == PRECONDITION_FAILED,
        _ => false,
    }
}
