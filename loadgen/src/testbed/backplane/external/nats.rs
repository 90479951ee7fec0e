//! NATS: a connection with a round trip, and the streams of a cluster.

use async_nats::{Client, ConnectOptions, jetstream};
use futures_util::TryStreamExt;
use highwater_types::BrokerUrl;

use crate::error_chain::error_chain;

pub(super) async fn check_connection(url: &BrokerUrl) -> Result<(), String> {
    open(url).await.map(drop)
}

/// Removes the streams that the cluster kept, that of its roster above all. A
/// node that has ended leaves nothing else: subscriptions end with connections.
pub(super) async fn cleanup(url: &BrokerUrl, cluster: &str) -> Result<Vec<String>, String> {
    let streams = jetstream::new(open(url).await?);
    let names: Vec<String> = streams
        .stream_names()
        .try_collect()
        .await
        .map_err(|error| error_chain(&error))?;
    for name in names.iter().filter(|name| name.contains(cluster)) {
        let deleted = streams.delete_stream(name).await;
        deleted.map_err(|error| error_chain(&error))?;
    }
    Ok(Vec::new())
}

async fn open(url: &BrokerUrl) -> Result<Client, String> {
    let options = ConnectOptions::new()
        .name("highwater run")
        .max_reconnects(1);
    let client = options
        .connect(url.expose_secret())
        .await
        .map_err(|error| error_chain(&error))?;
    client.flush().await.map_err(|error| error_chain(&error))?;
    Ok(client)
}
