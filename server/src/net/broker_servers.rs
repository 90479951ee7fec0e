//! The servers of one broker, and the order of attempts to connect to them.

use std::{fmt::Display, sync::Arc};

use highwater_types::{BrokerKind, BrokerUrl, ServerAddress};
use parking_lot::Mutex;
use rand::seq::SliceRandom;

/// The most servers that are kept besides those of the URL.
const MAX_DISCOVERED: usize = 64;

/// The servers that a URL lists, and those that the broker has named since.
///
/// Clones share what is known of the servers.
#[derive(Debug, Clone)]
pub(crate) struct BrokerServers {
    url: BrokerUrl,
    known: Arc<Mutex<Vec<KnownServer>>>,
}

#[derive(Debug)]
struct KnownServer {
    address: ServerAddress,
    /// The failures since the last connection that was made.
    failures: u32,
    /// Whether the broker has named it, and the URL does not.
    is_discovered: bool,
}

impl BrokerServers {
    pub(crate) fn new(url: BrokerUrl) -> Self {
        let known = |address: &ServerAddress| KnownServer {
            address: address.clone(),
            failures: 0,
            is_discovered: false,
        };
        let known = url.servers().iter().map(known).collect();
        let known = Arc::new(Mutex::new(known));
        Self { url, known }
    }

    /// Returns the URL of all servers, for a client library that chooses one itself.
    #[cfg(feature = "kafka")]
    pub(crate) fn url(&self) -> &BrokerUrl {
        &self.url
    }

    /// Returns the URLs of single servers, in the order in which they should be tried:
    /// those that failed least come first.
    fn in_order(&self) -> Vec<BrokerUrl> {
        let known = self.known.lock();
        let mut servers: Vec<&KnownServer> = known.iter().collect();
        // Random, so that nodes spread over the servers of a cluster. The servers of one Redis
        // are not equal, and its first one is meant.
        if self.url.kind() != BrokerKind::Redis {
            servers.shuffle(&mut rand::rng());
        }
        servers.sort_by_key(|server| server.failures);
        let url = |server: &KnownServer| self.url.with_server(server.address.clone());
        servers.into_iter().map(url).collect()
    }

    /// Connects to the first server that accepts. Returns the error of the last one if
    /// none does.
    pub(crate) async fn connect<T, E, F>(
        &self,
        mut connect: impl FnMut(BrokerUrl) -> F,
    ) -> Result<T, E>
    where
        E: Display,
        F: Future<Output = Result<T, E>>,
    {
        let mut attempts = self.in_order().into_iter().peekable();
        loop {
            // There is at least one server, so the last attempt returns.
            let Some(server) = attempts.next() else {
                unreachable!("a broker without a server: BrokerUrl rejects it")
            };
            // Before the attempt, because one that is given up ends unseen.
            self.record_failure(&server);
            match connect(server.clone()).await {
                Ok(connected) => {
                    self.update(&server, |known| known.failures = 0);
                    return Ok(connected);
                }
                Err(error) if attempts.peek().is_none() => return Err(error),
                Err(error) => tracing::warn!(
                    %server, %error,
                    "cannot connect to a server of the broker; trying the next"
                ),
            }
        }
    }

    /// Puts a server behind those that failed less.
    pub(crate) fn record_failure(&self, server: &BrokerUrl) {
        self.update(server, |known| {
            known.failures = known.failures.saturating_add(1)
        });
    }

    /// Replaces the servers that the broker named earlier.
    pub(crate) fn discover(&self, named: Vec<ServerAddress>) {
        if named.is_empty() {
            return;
        }
        let mut known = self.known.lock();
        known.retain(|server| !server.is_discovered || named.contains(&server.address));
        for address in named {
            let discovered = known.iter().filter(|server| server.is_discovered).count();
            let is_known = known.iter().any(|server| server.address == address);
            if !is_known && discovered < MAX_DISCOVERED {
                known.push(KnownServer {
                    address,
                    failures: 0,
                    is_discovered: true,
                });
            }
        }
    }

    fn update(&self, server: &BrokerUrl, update: impl FnOnce(&mut KnownServer)) {
        let mut known = self.known.lock();
        let server = known
            .iter_mut()
            .find(|known| server.servers().contains(&known.address));
        server.map(update);
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    fn servers(text: &str) -> BrokerServers {
        BrokerServers::new(BrokerUrl::parse(text).unwrap())
    }

    fn address(text: &str) -> ServerAddress {
        ServerAddress::parse(text, 1).unwrap()
    }

    fn order(servers: &BrokerServers) -> Vec<String> {
        let urls = servers.in_order();
        urls.iter().map(|url| url.host().to_owned()).collect()
    }

    /// Connects where only `up` accepts, and returns the servers that were tried.
    async fn connect(servers: &BrokerServers, up: &str) -> (Vec<String>, Result<(), String>) {
        let mut tried = Vec::new();
        let connected = servers.connect(|server| {
            tried.push(server.host().to_owned());
            ready(match server.host() == up {
                true => Ok(()),
                false => Err(format!("{} is down", server.host())),
            })
        });
        let connected = connected.await;
        (tried, connected)
    }

    #[tokio::test]
    async fn server_that_failed_is_tried_last() {
        let servers = servers("redis://a,b,c");
        let (tried, connected) = connect(&servers, "b").await;
        assert_eq!((tried.join(","), connected), ("a,b".to_owned(), Ok(())));
        assert_eq!(order(&servers), ["b", "c", "a"]);
        let (tried, connected) = connect(&servers, "none").await;
        assert_eq!(tried, ["b", "c", "a"]);
        assert_eq!(connected, Err("a is down".to_owned()));
    }

    #[tokio::test]
    async fn attempt_that_is_given_up_counts_as_failed() {
        let servers = servers("redis://a,b");
        let hung = servers.connect(|_| std::future::pending::<Result<(), String>>());
        drop(futures_util::FutureExt::now_or_never(hung));
        assert_eq!(order(&servers), ["b", "a"]);
    }

    #[test]
    fn named_servers_replace_earlier_ones_and_keep_those_of_the_url() {
        let servers = servers("redis://a:1");
        servers.discover(vec![address("a"), address("b")]);
        assert_eq!(order(&servers), ["a", "b"]);
        servers.discover(vec![address("c")]);
        assert_eq!(order(&servers), ["a", "c"]);
        servers.discover(Vec::new());
        assert_eq!(order(&servers), ["a", "c"]);
        let many = (0..2 * MAX_DISCOVERED).map(|number| address(&format!("s{number}")));
        servers.discover(many.collect());
        assert_eq!(order(&servers).len(), 1 + MAX_DISCOVERED);
    }

    #[test]
    fn nodes_spread_over_the_servers_of_a_cluster() {
        let servers = servers("nats://a,b,c,d,e,f,g,h");
        let first = order(&servers);
        assert!((0..20).any(|_| order(&servers) != first));
    }
}
