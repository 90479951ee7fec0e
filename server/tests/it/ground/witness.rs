//! What a server says of the cluster on it.

use std::process::Command;

use highwater_services::Service;

use super::{Ground, TestBackplaneKind};

impl Ground {
    /// The inboxes that exist at the server, as it says itself: `NODE-…`. `None`
    /// when it has none that outlive their connection.
    pub(crate) fn inboxes(&self) -> Option<Vec<String>> {
        let prefix = format!("highwater:{}:inbox:", self.cluster);
        let pattern = format!("{prefix}*");
        match self.kind {
            TestBackplaneKind::Local => None,
            TestBackplaneKind::Redis => {
                let channels = ask(&self.url, &["PUBSUB", "CHANNELS", &pattern]);
                Some(without(&prefix, channels))
            }
            // Each shard knows its own only.
            TestBackplaneKind::RedisCluster => {
                let of = |shard: String| ask(&shard, &["PUBSUB", "SHARDCHANNELS", &pattern]);
                let channels = self.shards().into_iter().flat_map(of);
                Some(without(&prefix, channels.collect()))
            }
            // A subscription, which ends with its connection.
            TestBackplaneKind::Nats => None,
            TestBackplaneKind::RabbitMq => Some(self.queues()),
        }
    }

    /// The roster as the server keeps it.
    pub(crate) fn roster(&self) -> Option<serde_json::Value> {
        let key = format!("highwater:{}:membership_table", self.cluster);
        let text = match self.kind {
            TestBackplaneKind::Local | TestBackplaneKind::Nats | TestBackplaneKind::RabbitMq => {
                return None;
            }
            TestBackplaneKind::Redis | TestBackplaneKind::RedisCluster => {
                ask(&self.url, &["HGET", &key, "membership_table"]).concat()
            }
        };
        Some(serde_json::from_str(&text).unwrap())
    }

    /// The URLs of a cluster's servers.
    fn shards(&self) -> Vec<String> {
        let nodes = ask(&self.url, &["CLUSTER", "NODES"]);
        let url = |line: &String| {
            let address = line.split(' ').nth(1).unwrap();
            format!("redis://{}", address.split('@').next().unwrap())
        };
        nodes.iter().map(url).collect()
    }

    /// The nodes' queues, as the management interface lists them.
    fn queues(&self) -> Vec<String> {
        let admin = self.service().and_then(Service::admin_url).unwrap();
        let url = format!("{admin}/api/queues?disable_stats=true");
        let output = Command::new("curl").args(["-sSf", &url]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let queues: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
        let names = queues.iter().map(|queue| queue["name"].as_str().unwrap());
        let prefix = format!("highwater.{}.inbox.", self.cluster);
        without(&prefix, names.map(str::to_owned).collect())
    }
}

/// The lines that a Redis answers, or the server that it sends us to.
fn ask(url: &str, command: &[&str]) -> Vec<String> {
    let mut cli = Command::new("redis-cli");
    cli.args(["-c", "-u", url, "--raw"]).args(command);
    let output = cli.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

/// The names that have the prefix, without it.
fn without(prefix: &str, names: Vec<String>) -> Vec<String> {
    let bare = |name: &String| name.strip_prefix(prefix).map(str::to_owned);
    names.iter().filter_map(bare).collect()
}
