//! The inboxes and the membership table of a cluster, as its server lists them.

use std::process::Command;

use highwater_services::Service;

use super::{Ground, TestBackplaneKind};

impl Ground {
    /// Returns the names of the inboxes at the server: `NODE-…`. `None` if its inboxes end
    /// with their connections.
    pub(crate) fn inboxes(&self) -> Option<Vec<String>> {
        let prefix = format!("highwater:{}:inbox:", self.cluster);
        let pattern = format!("{prefix}*");
        match self.kind {
            TestBackplaneKind::Redis => {
                let channels = query(&self.url, &["PUBSUB", "CHANNELS", &pattern]);
                Some(strip(&prefix, channels))
            }
            // Each shard lists only its own channels.
            TestBackplaneKind::RedisCluster => {
                let channels_of =
                    |shard: String| query(&shard, &["PUBSUB", "SHARDCHANNELS", &pattern]);
                let channels = self.shards().into_iter().flat_map(channels_of);
                Some(strip(&prefix, channels.collect()))
            }
            TestBackplaneKind::RabbitMq => Some(self.queues()),
            // An inbox is a connection or a subscription there.
            _ => None,
        }
    }

    /// Returns the stored membership table, where it can be read from outside.
    pub(crate) fn membership_table(&self) -> Option<serde_json::Value> {
        let key = format!("highwater:{}:membership_table", self.cluster);
        let text = match self.kind {
            TestBackplaneKind::Redis | TestBackplaneKind::RedisCluster => {
                query(&self.url, &["HGET", &key, "membership_table"]).concat()
            }
            _ => return None,
        };
        Some(serde_json::from_str(&text).unwrap())
    }

    /// Returns the URLs of a Redis Cluster's servers.
    fn shards(&self) -> Vec<String> {
        let nodes = query(&self.url, &["CLUSTER", "NODES"]);
        let url = |line: &String| {
            let address = line.split(' ').nth(1).unwrap();
            format!("redis://{}", address.split('@').next().unwrap())
        };
        nodes.iter().map(url).collect()
    }

    /// Returns the queues of inboxes, as RabbitMQ's management interface lists them.
    fn queues(&self) -> Vec<String> {
        let admin = self.service().and_then(Service::admin_url).unwrap();
        let url = format!("{admin}/api/queues?disable_stats=true");
        let output = Command::new("curl").args(["-sSf", &url]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let queues: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
        let names = queues.iter().map(|queue| queue["name"].as_str().unwrap());
        let prefix = format!("highwater.{}.inbox.", self.cluster);
        strip(&prefix, names.map(str::to_owned).collect())
    }
}

/// Returns the lines that Redis answers. `-c` follows redirections to other shards.
fn query(url: &str, command: &[&str]) -> Vec<String> {
    let mut cli = Command::new("redis-cli");
    cli.args(["-c", "-u", url, "--raw"]).args(command);
    let output = cli.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

/// Returns the names that have the prefix, without it.
fn strip(prefix: &str, names: Vec<String>) -> Vec<String> {
    let bare = |name: &String| name.strip_prefix(prefix).map(str::to_owned);
    names.iter().filter_map(bare).collect()
}
