//! NATS: streams of JetStream, and the monitoring port.

mod gauges;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_nats::{Client, ConnectOptions, jetstream};
use futures_util::{
    TryStreamExt,
    future::{BoxFuture, FutureExt},
};
use highwater_nats::NatsServer;
use highwater_process::program::NATS_SERVER;
use highwater_scenarios::plan::BrokerSpec;
use highwater_types::BrokerUrl;

use super::{
    driver::{BrokerDriver, connect_to_any, tls_config},
    monitor::monitor_source,
};
use crate::{
    access::tls_verify::install_ring_provider,
    error_chain::error_chain,
    sampling::{GaugeSource, Gauges},
};

/// The driver of NATS.
pub(super) struct Nats;

impl BrokerDriver for Nats {
    fn check_connection<'b>(&self, url: &'b BrokerUrl) -> BoxFuture<'b, Result<(), String>> {
        async { connect(url).await.map(drop) }.boxed()
    }

    fn cleanup<'b>(
        &self,
        url: &'b BrokerUrl,
        cluster: &'b str,
    ) -> BoxFuture<'b, Result<Vec<String>, String>> {
        async {
            delete_streams(url, cluster).await?;
            // Subscriptions end with their connection, so a node that has ended leaves
            // nothing but streams, and those outlive nodes on purpose.
            Ok(Vec::new())
        }
        .boxed()
    }

    fn gauge_source(&self, broker: &BrokerSpec, _: &str) -> Option<Arc<dyn GaugeSource>> {
        monitor_source(broker, "/varz", gauges::parse)
    }

    fn parse_gauges(&self, text: &str) -> Option<Gauges> {
        gauges::parse(text)
    }

    fn start_command(&self, port: u16) -> String {
        // Nodes need JetStream, and the sampler the monitoring port.
        format!("{} -p {port} -m 8222 -js", NATS_SERVER.name)
    }

    fn process_names(&self) -> &'static [&'static str] {
        &[NATS_SERVER.name]
    }
}

/// Deletes the streams of a cluster.
async fn delete_streams(url: &BrokerUrl, cluster: &str) -> Result<(), String> {
    let streams = jetstream::new(connect(url).await?);
    let names: Vec<String> = streams
        .stream_names()
        .try_collect()
        .await
        .map_err(|error| error_chain(&error))?;
    // The cluster's name is random for each run, so no other stream contains it.
    for name in names.iter().filter(|name| name.contains(cluster)) {
        let deleted = streams.delete_stream(name).await;
        deleted.map_err(|error| error_chain(&error))?;
    }
    Ok(())
}

async fn connect(url: &BrokerUrl) -> Result<Client, String> {
    connect_to_any(url, connect_to).await
}

async fn connect_to(server: BrokerUrl) -> Result<Client, String> {
    let options = ConnectOptions::new()
        .name("highwater run")
        // By default the library reconnects without a limit, and a call would end in a timeout
        // that hides the cause.
        .max_reconnects(1);
    // For a server that requires TLS although the address does not ask for it.
    install_ring_provider();
    let options = match tls_config(&server)? {
        Some(tls) => options.require_tls(true).tls_client_config(tls),
        None => options,
    };
    let server = NatsServer::from_url(&server).map_err(|error| error.to_string())?;
    let client = server
        .authenticate(options)
        .connect(server.address)
        .await
        .map_err(|error| error_chain(&error))?;
    // The server may reject the password after `connect` has returned; a flush is a round
    // trip, so it shows that.
    client.flush().await.map_err(|error| error_chain(&error))?;
    Ok(client)
}
