//! RabbitMQ: exchanges and queues over AMQP, and its Prometheus plugin.

mod gauges;
mod socket;

use std::sync::Arc;

use async_compat::CompatExt;
use futures_util::future::{BoxFuture, FutureExt};
use highwater_process::program::RABBITMQ_SERVER;
use highwater_scenarios::plan::BrokerSpec;
use highwater_types::BrokerUrl;
use lapin::{
    AsyncTcpStream, Channel, Connection, ConnectionProperties, Error, ErrorKind,
    options::{ExchangeDeleteOptions, QueueDeleteOptions},
    uri::AMQPUri,
};

use super::{
    driver::{BrokerDriver, CONSUMER_GROUP, connect_to_any, tls_config},
    monitor::monitor_source,
};
use crate::{
    error_chain::error_chain,
    sampling::{GaugeSource, Gauges},
};

/// AMQP 0-9-1's reply code of a close without a fault (`reply-success`).
const SUCCESS: u16 = 200;
/// AMQP 0-9-1's reply code of a deletion of something that is in use (`precondition-failed`).
const PRECONDITION_FAILED: u16 = 406;

/// The driver of RabbitMQ.
pub(super) struct RabbitMq;

impl BrokerDriver for RabbitMq {
    fn check_connection<'b>(&self, url: &'b BrokerUrl) -> BoxFuture<'b, Result<(), String>> {
        async {
            let connection = connect(url).await?;
            let closed = connection.close(SUCCESS, "checked".into()).await;
            closed.map_err(|error| error_chain(&error))
        }
        .boxed()
    }

    fn cleanup<'b>(
        &self,
        url: &'b BrokerUrl,
        cluster: &'b str,
    ) -> BoxFuture<'b, Result<Vec<String>, String>> {
        async {
            let connection = connect(url).await?;
            let deleted = delete_cluster(&connection, cluster).await;
            deleted.map_err(|error| error_chain(&error))
        }
        .boxed()
    }

    fn gauge_source(&self, broker: &BrokerSpec, _: &str) -> Option<Arc<dyn GaugeSource>> {
        monitor_source(broker, "/metrics", |text| Some(gauges::parse(text)))
    }

    fn parse_gauges(&self, text: &str) -> Option<Gauges> {
        Some(gauges::parse(text))
    }

    fn start_command(&self, _port: u16) -> String {
        RABBITMQ_SERVER.name.to_owned()
    }

    fn process_names(&self) -> &'static [&'static str] {
        // The server is a program of the Erlang virtual machine, `beam.smp`.
        &["beam"]
    }
}

/// Deletes the queues and exchanges of a cluster. Returns the exchanges to which a queue is
/// still bound: the inbox of a node, which a node that ends in order deletes.
async fn delete_cluster(connection: &Connection, cluster: &str) -> Result<Vec<String>, Error> {
    let name = |suffix: &str| format!("highwater.{cluster}.{suffix}");
    // The channel lives until the connection is closed. A channel that is dropped just
    // before closes itself at the same time, which lapin reports as an error.
    let mut channel = connection.create_channel().await?;
    let telemetry = format!("telemetry.{CONSUMER_GROUP}");
    for queue in ["membership_table", "membership_table.lock", &telemetry].map(name) {
        let options = QueueDeleteOptions::default();
        channel.queue_delete(queue.as_str().into(), options).await?;
    }
    let mut leftovers = Vec::new();
    for exchange in ["everyone", "topics", "telemetry"].map(name) {
        match delete_unused_exchange(&channel, &exchange).await {
            Err(error) if is_in_use(&error) => {
                leftovers.push(format!("a queue at {exchange}"));
                // AMQP closes the channel on every error.
                channel = connection.create_channel().await?;
            }
            deleted => deleted?,
        }
    }
    connection.close(SUCCESS, "done".into()).await?;
    Ok(leftovers)
}

async fn delete_unused_exchange(channel: &Channel, exchange: &str) -> Result<(), Error> {
    let options = ExchangeDeleteOptions {
        if_unused: true,
        ..ExchangeDeleteOptions::default()
    };
    channel.exchange_delete(exchange.into(), options).await
}

async fn connect(url: &BrokerUrl) -> Result<Connection, String> {
    connect_to_any(url, connect_to).await
}

async fn connect_to(server: BrokerUrl) -> Result<Connection, String> {
    let uri: AMQPUri = server.expose_secret().parse()?;
    let tls = tls_config(&server)?.map(Arc::new);
    let runtime = lapin::runtime::default_runtime();
    let runtime = runtime.map_err(|error| error_chain(&error))?;
    let connecting = Connection::connector(
        uri,
        runtime,
        async move |uri, _| {
            let stream = socket::connect(&uri.authority, tls.clone()).await?;
            Ok(AsyncTcpStream::Plain(stream.compat()))
        },
        ConnectionProperties::default(),
    );
    connecting.await.map_err(|error| error_chain(&error))
}

fn is_in_use(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::ProtocolError(error) => error.get_id() == PRECONDITION_FAILED,
        _ => false,
    }
}
