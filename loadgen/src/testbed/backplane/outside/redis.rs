//! Redis: `PING`.

use highwater_scenarios::BrokerUrl;
use redis::Client;

use crate::causes::in_full;

pub(super) async fn connect(url: &BrokerUrl) -> Result<(), String> {
    let ping = async {
        let client = Client::open(url.in_full())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd("PING").exec_async(&mut connection).await
    };
    ping.await.map_err(|error| in_full(&error))
}
