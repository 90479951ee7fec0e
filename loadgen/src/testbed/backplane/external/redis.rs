//! Redis, one server or a cluster of them: `PING`, and the keys and channels of a run.

use std::time::Duration;

use highwater_types::BrokerUrl;
use redis::{AsyncIter, Client, ConnectionAddr, RedisError, aio::MultiplexedConnection};
use tokio::time::sleep;

use crate::error_chain::error_chain;

/// How often it is looked for listeners, and the pause between two looks.
const MAX_POLLS: u32 = 10;
const POLL_INTERVAL: Duration = Duration::from_millis(100);

pub(super) async fn check_connection(url: &BrokerUrl) -> Result<(), String> {
    let ping = async {
        let mut connection = open(url).await?;
        redis::cmd("PING").exec_async(&mut connection).await
    };
    ping.await.map_err(|error: RedisError| error_chain(&error))
}

/// Removes what the cluster kept, its roster above all. Answers with what a node
/// that has ended would not have left: channels that somebody listens to.
pub(super) async fn cleanup(url: &BrokerUrl, cluster: &str) -> Result<Vec<String>, String> {
    let pattern = format!("highwater:{cluster}:*");
    let tidied = async {
        let mut all = Vec::new();
        for mut server in connect_primaries(url).await? {
            all.append(&mut server.active_channels(&pattern).await?);
            for key in keys(&mut server.connection, &pattern).await? {
                redis::cmd("DEL")
                    .arg(key)
                    .exec_async(&mut server.connection)
                    .await?;
            }
        }
        Ok(all)
    };
    let heard = tidied
        .await
        .map_err(|error: RedisError| error_chain(&error))?;
    let told = heard
        .into_iter()
        .map(|channel| format!("a listener to {channel}"));
    Ok(told.collect())
}

/// One server, which knows its own keys and channels only.
struct RedisPrimary {
    connection: MultiplexedConnection,
    /// What `PUBSUB` calls its channels.
    channels: &'static str,
}

/// The server of the address, or all that share the slots of its cluster.
async fn connect_primaries(url: &BrokerUrl) -> Result<Vec<RedisPrimary>, RedisError> {
    let mut connection = open(url).await?;
    let mut info = redis::cmd("INFO");
    let info: String = info.arg("cluster").query_async(&mut connection).await?;
    if !info.lines().any(|line| line.trim() == "cluster_enabled:1") {
        return Ok(vec![RedisPrimary {
            connection,
            channels: "CHANNELS",
        }]);
    }
    let mut nodes = redis::cmd("CLUSTER");
    let nodes: String = nodes.arg("NODES").query_async(&mut connection).await?;
    let mut servers = Vec::new();
    for (host, port) in primaries(&nodes) {
        let there = Client::open(url.expose_secret())?
            .get_connection_info()
            .clone()
            .set_addr(ConnectionAddr::Tcp(host, port));
        servers.push(RedisPrimary {
            connection: Client::open(there)?
                .get_multiplexed_async_connection()
                .await?,
            channels: "SHARDCHANNELS",
        });
    }
    Ok(servers)
}

/// Host and port of each server that has slots, from what `CLUSTER NODES` says:
/// `ID HOST:PORT@BUS[,NAME] FLAGS …`.
fn primaries(nodes: &str) -> Vec<(String, u16)> {
    let address = |line: &str| {
        let mut words = line.split(' ').skip(1);
        let (address, flags) = (words.next()?, words.next()?);
        let mut flags = flags.split(',');
        let (host, port) = address.split('@').next()?.rsplit_once(':')?;
        let port = port.parse().ok()?;
        let has_slots = flags.any(|flag| flag == "master") && !host.is_empty();
        has_slots.then(|| (host.to_owned(), port))
    };
    nodes.lines().filter_map(address).collect()
}

async fn open(url: &BrokerUrl) -> Result<MultiplexedConnection, RedisError> {
    Client::open(url.expose_secret())?
        .get_multiplexed_async_connection()
        .await
}

impl RedisPrimary {
    /// Channels that somebody listens to still. The server takes a moment to see that
    /// a process has ended.
    async fn active_channels(&mut self, pattern: &str) -> Result<Vec<String>, RedisError> {
        let mut looks = 0;
        loop {
            let mut channels = redis::cmd("PUBSUB");
            channels.arg(self.channels).arg(pattern);
            let heard: Vec<String> = channels.query_async(&mut self.connection).await?;
            looks += 1;
            if heard.is_empty() || looks == MAX_POLLS {
                return Ok(heard);
            }
            sleep(POLL_INTERVAL).await;
        }
    }
}

async fn keys(
    connection: &mut MultiplexedConnection,
    pattern: &str,
) -> Result<Vec<String>, RedisError> {
    let mut scan = redis::cmd("SCAN");
    scan.cursor_arg(0)
        .arg("MATCH")
        .arg(pattern)
        .arg("COUNT")
        .arg(1_000);
    let mut found: AsyncIter<'_, String> = scan.iter_async(connection).await?;
    let mut keys = Vec::new();
    while let Some(key) = found.next_item().await {
        keys.push(key?);
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use highwater_services::RedisClusterService;

    use super::*;

    /// What the server answers that has the key, one line each.
    fn redis_cli(url: &str, command: &[&str]) -> Vec<String> {
        let mut cli = Command::new("redis-cli");
        let output = cli.args(["-c", "--raw", "-u", url]).args(command).output();
        let output = output.expect("redis-cli");
        let text = String::from_utf8_lossy(&output.stdout);
        let lines = text.lines().filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    }

    #[test]
    fn only_servers_with_slots_are_asked() {
        let nodes = "\
07c3 127.0.0.1:30004@31004,h4 slave e7d1 0 1426238317239 4 connected
67ed 127.0.0.1:30002@31002,h2 master - 0 1426238316232 2 connected 5461-10922
e7d1 127.0.0.1:30001@31001 myself,master - 0 0 1 connected 0-5460
ffff :0@0 master,noaddr - 0 0 1 disconnected
";
        let at = |port| ("127.0.0.1".to_owned(), port);
        assert_eq!(primaries(nodes), [at(30002), at(30001)]);
    }

    #[tokio::test]
    async fn what_a_run_left_is_removed_from_every_server() {
        let cluster = RedisClusterService::start().expect("a cluster");
        let url = cluster.url();
        // Enough that each of the three has some.
        let keys = |of: &str| -> Vec<String> {
            let key = |number| format!("highwater:{of}:{number}");
            (0..30).map(key).collect()
        };
        for key in keys("run").iter().chain(&keys("another")) {
            redis_cli(&url, &["SET", key, "1"]);
        }
        let mut listener = redis::cluster::ClusterClient::builder([url.as_str()])
            .use_protocol(redis::ProtocolVersion::RESP3)
            .push_sender(|_| Ok::<(), std::convert::Infallible>(()))
            .build()
            .expect("a client")
            .get_async_connection()
            .await
            .expect("a connection");
        let channels = keys("run");
        for channel in &channels {
            listener.ssubscribe(channel).await.expect("a subscription");
        }

        let broker = BrokerUrl::parse(&url).expect("an address");
        let mut told = cleanup(&broker, "run").await.expect("it answers");
        told.sort_unstable();
        let said = |channel: &String| format!("a listener to {channel}");
        let mut expected: Vec<String> = channels.iter().map(said).collect();
        expected.sort_unstable();
        assert_eq!(told, expected);
        let left = |of: &str| {
            let there = |key: &String| redis_cli(&url, &["EXISTS", key]) == ["1"];
            keys(of).iter().filter(|key| there(key)).count()
        };
        assert_eq!((left("run"), left("another")), (0, 30));
    }
}
