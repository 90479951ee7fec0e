//! Redis, one server or a cluster of them: keys and channels of a run, and `INFO`.

mod connect;
mod gauges;

use std::{sync::Arc, time::Duration};

use futures_util::future::{BoxFuture, FutureExt};
use highwater_process::program::REDIS_SERVER;
use highwater_scenarios::plan::BrokerSpec;
use highwater_types::{BrokerUrl, ServerAddress};
use redis::{AsyncIter, RedisError, aio::MultiplexedConnection};
use tokio::time::sleep;

use self::connect::{connect, connect_to, is_cluster};
use super::driver::BrokerDriver;
use crate::{
    error_chain::error_chain,
    sampling::{GaugeSource, Gauges},
};

/// The number of polls for channels that still have subscribers.
const MAX_POLLS: u32 = 10;
/// The time between two of these polls.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The driver of Redis and of servers that speak its protocol.
pub(super) struct Redis;

/// A server of a Redis cluster. It knows its own keys and channels only.
struct RedisPrimary {
    connection: MultiplexedConnection,
    /// The subcommand of `PUBSUB` that lists channels here: a cluster uses sharded channels.
    channels: &'static str,
}

impl BrokerDriver for Redis {
    fn check_connection<'b>(&self, url: &'b BrokerUrl) -> BoxFuture<'b, Result<(), String>> {
        // Connecting asks the server for its role, so it is a round trip.
        connect(url).map(|connected| connected.map(drop)).boxed()
    }

    fn cleanup<'b>(
        &self,
        url: &'b BrokerUrl,
        cluster: &'b str,
    ) -> BoxFuture<'b, Result<Vec<String>, String>> {
        async {
            let first = connect(url).await?;
            let deleted = delete_cluster(url, first, cluster).await;
            deleted.map_err(|error| error_chain(&error))
        }
        .boxed()
    }

    fn gauge_source(&self, broker: &BrokerSpec, _: &str) -> Option<Arc<dyn GaugeSource>> {
        Some(Arc::new(gauges::RedisInfo::new(broker.url.clone())))
    }

    fn parse_gauges(&self, text: &str) -> Option<Gauges> {
        Some(gauges::parse(text))
    }

    fn start_command(&self, port: u16) -> String {
        format!("{} --port {port}", REDIS_SERVER.name)
    }

    fn process_names(&self) -> &'static [&'static str] {
        &["redis", "valkey", "keydb", "dragonfly"]
    }
}

impl RedisPrimary {
    /// Returns the channels that still have subscribers after a second. The server takes a
    /// moment to see that a process has ended.
    async fn subscribed_channels(&mut self, pattern: &str) -> Result<Vec<String>, RedisError> {
        let mut polls = 0;
        loop {
            let mut command = redis::cmd("PUBSUB");
            command.arg(self.channels).arg(pattern);
            let channels: Vec<String> = command.query_async(&mut self.connection).await?;
            polls += 1;
            if channels.is_empty() || polls == MAX_POLLS {
                return Ok(channels);
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    async fn delete_keys(&mut self, pattern: &str) -> Result<(), RedisError> {
        // One key at a time: a cluster rejects a command with keys of different slots.
        for key in self.keys(pattern).await? {
            redis::cmd("DEL")
                .arg(key)
                .exec_async(&mut self.connection)
                .await?;
        }
        Ok(())
    }

    async fn keys(&mut self, pattern: &str) -> Result<Vec<String>, RedisError> {
        // `SCAN` and not `KEYS`, which blocks the server for its other clients.
        let mut scan = redis::cmd("SCAN");
        scan.cursor_arg(0)
            .arg("MATCH")
            .arg(pattern)
            .arg("COUNT")
            .arg(1_000);
        let mut matches: AsyncIter<'_, String> = scan.iter_async(&mut self.connection).await?;
        let mut keys = Vec::new();
        while let Some(key) = matches.next_item().await {
            keys.push(key?);
        }
        Ok(keys)
    }
}

/// Deletes the keys of a cluster on every server. Returns the channels of the cluster that
/// still have subscribers.
async fn delete_cluster(
    url: &BrokerUrl,
    first: MultiplexedConnection,
    cluster: &str,
) -> Result<Vec<String>, RedisError> {
    let pattern = format!("highwater:{cluster}:*");
    let mut leftovers = Vec::new();
    for mut server in connect_primaries(url, first).await? {
        let channels = server.subscribed_channels(&pattern).await?;
        leftovers.extend(
            channels
                .into_iter()
                .map(|channel| format!("a listener to {channel}")),
        );
        // After the channels: nodes that still run would write their keys again.
        server.delete_keys(&pattern).await?;
    }
    Ok(leftovers)
}

/// Returns the server of the address, or all servers that own slots of its cluster.
async fn connect_primaries(
    url: &BrokerUrl,
    mut connection: MultiplexedConnection,
) -> Result<Vec<RedisPrimary>, RedisError> {
    if !is_cluster(&mut connection).await? {
        return Ok(vec![RedisPrimary {
            connection,
            channels: "CHANNELS",
        }]);
    }
    let mut nodes = redis::cmd("CLUSTER");
    let nodes: String = nodes.arg("NODES").query_async(&mut connection).await?;
    let mut servers = Vec::new();
    for server in primaries(&nodes) {
        servers.push(RedisPrimary {
            // User and password of the scenario's address hold for every server.
            connection: connect_to(url, server).await?,
            channels: "SHARDCHANNELS",
        });
    }
    Ok(servers)
}

/// Returns the address of each server that owns slots, from the answer to `CLUSTER NODES`:
/// `ID HOST:PORT@BUS[,NAME] FLAGS …`.
fn primaries(nodes: &str) -> Vec<ServerAddress> {
    let address = |line: &str| {
        let mut words = line.split(' ').skip(1);
        let (address, flags) = (words.next()?, words.next()?);
        // `fail` is a server that the others gave up: a replica has its slots.
        let has_flag = |flag| flags.split(',').any(|found| found == flag);
        let (host, port) = address.split('@').next()?.rsplit_once(':')?;
        let owns_slots = has_flag("master") && !has_flag("fail");
        let address = owns_slots.then(|| ServerAddress::from_parts(host, port));
        address?.ok()
    };
    nodes.lines().filter_map(address).collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use highwater_services::RedisClusterService;

    use super::*;

    /// Runs `redis-cli`, which follows redirections to the server that owns a key, and
    /// returns the lines of its answer.
    fn redis_cli(url: &str, command: &[&str]) -> Vec<String> {
        let mut cli = Command::new("redis-cli");
        let output = cli.args(["-c", "--raw", "-u", url]).args(command).output();
        let output = output.expect("redis-cli");
        let text = String::from_utf8_lossy(&output.stdout);
        let lines = text.lines().filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    }

    #[test]
    fn replica_and_dead_server_and_one_without_address_own_no_slots() {
        let nodes = "\
07c3 127.0.0.1:30004@31004,h4 slave e7d1 0 1426238317239 4 connected
67ed 127.0.0.1:30002@31002,h2 master - 0 1426238316232 2 connected 5461-10922
e7d1 127.0.0.1:30001@31001 myself,master - 0 0 1 connected 0-5460
ffff :0@0 master,noaddr - 0 0 1 disconnected
dead 127.0.0.1:30003@31003 master,fail - 0 0 1 disconnected
";
        let server = |port: &str| ServerAddress::from_parts("127.0.0.1", port).expect("an address");
        assert_eq!(primaries(nodes), [server("30002"), server("30001")]);
    }

    #[tokio::test]
    async fn cleanup_deletes_keys_of_the_run_on_every_server() {
        let service = RedisClusterService::start().expect("a cluster");
        let url = service.url();
        // Thirty keys, so that each of the three servers owns some of them.
        let keys = |cluster: &str| -> Vec<String> {
            let key = |number| format!("highwater:{cluster}:{number}");
            (0..30).map(key).collect()
        };
        for key in keys("run").iter().chain(&keys("another")) {
            redis_cli(&url, &["SET", key, "1"]);
        }
        let mut subscriber = redis::cluster::ClusterClient::builder([url.as_str()])
            .use_protocol(redis::ProtocolVersion::RESP3)
            .push_sender(|_| Ok::<(), std::convert::Infallible>(()))
            .build()
            .expect("a client")
            .get_async_connection()
            .await
            .expect("a connection");
        let channels = keys("run");
        for channel in &channels {
            let subscribed = subscriber.ssubscribe(channel).await;
            subscribed.expect("a subscription");
        }

        let broker = BrokerUrl::parse(&url).expect("an address");
        let cleaned = Redis.cleanup(&broker, "run").await;
        let mut leftovers = cleaned.expect("the servers answer");
        leftovers.sort_unstable();
        let leftover = |channel: &String| format!("a listener to {channel}");
        let mut expected: Vec<String> = channels.iter().map(leftover).collect();
        expected.sort_unstable();
        assert_eq!(leftovers, expected);
        let remaining = |cluster: &str| {
            let exists = |key: &String| redis_cli(&url, &["EXISTS", key]) == ["1"];
            keys(cluster).iter().filter(|key| exists(key)).count()
        };
        assert_eq!((remaining("run"), remaining("another")), (0, 30));
    }
}
