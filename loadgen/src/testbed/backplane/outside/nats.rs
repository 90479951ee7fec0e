//! NATS: a connection and a round trip on it.

use async_nats::ConnectOptions;
use highwater_scenarios::BrokerUrl;

use crate::causes::in_full;

pub(super) async fn connect(url: &BrokerUrl) -> Result<(), String> {
    let options = ConnectOptions::new()
        .name("highwater run")
        .max_reconnects(1);
    let client = options
        .connect(url.in_full())
        .await
        .map_err(|error| in_full(&error))?;
    client.flush().await.map_err(|error| in_full(&error))
}
