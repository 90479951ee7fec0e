//! The trait of a broker that the harness uses and does not start.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use highwater_scenarios::plan::BrokerSpec;
use highwater_types::BrokerUrl;
use rustls::ClientConfig;
use tokio::time::timeout;

use crate::{
    access::broker_tls_config,
    error_chain::error_chain,
    sampling::{GaugeSource, Gauges},
};

/// The group of all consumers of a run. RabbitMQ has a queue of this name.
pub(crate) const CONSUMER_GROUP: &str = "run";

/// The longest time for one of several servers to answer, so that the next one is tried
/// within the time for all of them.
const SERVER_TIMEOUT: Duration = Duration::from_secs(2);

/// Connects to the first server of a broker that accepts. Returns the error of the last one
/// if none does.
pub(super) async fn connect_to_any<T, F>(
    url: &BrokerUrl,
    connect: impl Fn(BrokerUrl) -> F,
) -> Result<T, String>
where
    F: Future<Output = Result<T, String>>,
{
    let mut servers = url.single_urls().peekable();
    let mut last = Err("an address without a server".to_owned());
    while let Some(server) = servers.next() {
        let connecting = connect(server);
        // The caller limits the time of all, and so that of the last one.
        last = match servers.peek() {
            None => connecting.await,
            Some(_) => timeout(SERVER_TIMEOUT, connecting)
                .await
                .unwrap_or_else(|_| Err(format!("no answer within {SERVER_TIMEOUT:?}"))),
        };
        if last.is_ok() {
            break;
        }
    }
    last
}

/// Returns the settings of TLS to a broker's server; `None` if the address does not use it.
pub(super) fn tls_config(url: &BrokerUrl) -> Result<Option<ClientConfig>, String> {
    broker_tls_config(url).map_err(|error| error_chain(&error))
}

/// Everything that the harness does with one kind of broker.
///
/// An error is a reason in words. It may quote the URL with its password, because client
/// libraries do; the caller masks it.
pub(crate) trait BrokerDriver: Sync {
    /// Connects in the broker's own protocol, with user and password, and disconnects.
    fn check_connection<'b>(&self, url: &'b BrokerUrl) -> BoxFuture<'b, Result<(), String>>;

    /// Removes what the nodes of `cluster` kept at the broker. The nodes have ended.
    ///
    /// Returns what a node removes when it ends in order, and what is there all the same.
    fn cleanup<'b>(
        &self,
        url: &'b BrokerUrl,
        cluster: &'b str,
    ) -> BoxFuture<'b, Result<Vec<String>, String>>;

    /// Returns the source of the broker's gauges, of the whole broker or of the run's `cluster`;
    /// `None` if it needs a monitoring address and the scenario gives none.
    fn gauge_source(&self, broker: &BrokerSpec, cluster: &str) -> Option<Arc<dyn GaugeSource>>;

    /// Reads the gauges in the text of the source's answer; `None` if it is another text.
    fn parse_gauges(&self, text: &str) -> Option<Gauges>;

    /// Returns the command that starts such a broker on `port`, for a hint.
    fn start_command(&self, port: u16) -> String;

    /// Returns the beginnings of names that the broker's process may have.
    fn process_names(&self) -> &'static [&'static str];
}
