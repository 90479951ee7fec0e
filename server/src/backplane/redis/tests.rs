//! Tests of behaviour that only Redis has.

use std::{ops::RangeInclusive, process::Command};

use highwater_services::{
    RedisClusterOptions, RedisClusterService, RedisOptions, RedisSentinelService, RedisService,
    ServiceKind,
};
use redis::FromRedisValue;

use super::{RedisTransport, names::RedisNames};
use crate::{
    backplane::remote::{
        Transport, TransportError,
        conformance::{
            ConformanceTarget, TransportPeer, address, join_member, wait_for_view,
            wait_until_joined,
        },
    },
    id::ClusterName,
};

type RedisPeer = TransportPeer<RedisTransport>;

impl ConformanceTarget for RedisTransport {
    const SERVICE: ServiceKind = ServiceKind::Redis;

    async fn delete_table(url: &str, cluster: &ClusterName) {
        let key = RedisNames::new(cluster).membership_table;
        let deleted: u32 = query(url, &["DEL", &key]).await;
        assert_eq!(deleted, 1, "no table was stored");
    }
}

/// Sends a command to one server.
async fn query<T: FromRedisValue>(url: &str, command: &[&str]) -> T {
    let client = redis::Client::open(url).unwrap();
    let mut server = client.get_multiplexed_async_connection().await.unwrap();
    let mut query = redis::cmd(command[0]);
    query.arg(&command[1..]);
    query.query_async(&mut server).await.unwrap()
}

/// A server of a cluster.
struct ClusterShard {
    id: String,
    url: String,
    slots: Vec<RangeInclusive<u16>>,
}

impl ClusterShard {
    /// Parses a line of `CLUSTER NODES`: `ID HOST:PORT@BUS FLAGS … 0-5460 5462`.
    fn parse(line: &str) -> Self {
        let words: Vec<&str> = line.split(' ').collect();
        let slots = words[8..].iter().map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            first.parse().unwrap()..=last.parse().unwrap()
        });
        Self {
            id: words[0].to_owned(),
            url: format!("redis://{}", words[1].split('@').next().unwrap()),
            slots: slots.collect(),
        }
    }

    fn owns_slot(&self, slot: u16) -> bool {
        self.slots.iter().any(|range| range.contains(&slot))
    }
}

async fn shards(url: &str) -> Vec<ClusterShard> {
    let nodes: String = query(url, &["CLUSTER", "NODES"]).await;
    nodes.lines().map(ClusterShard::parse).collect()
}

fn signal(name: &str, pid: u32) {
    let sent = Command::new("kill").args([name, &pid.to_string()]).status();
    assert!(sent.unwrap().success());
}

/// A subscriber of the old shard would receive nothing more from the moved channel.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn channel_that_moves_to_another_shard_ends_the_connection() {
    let cluster = RedisClusterService::start().unwrap();
    let url = cluster.url();
    let address = address(&url);
    let mut peer = RedisPeer::connect(&address, "n").await;
    // A subscription that the node itself ends does not end the connection.
    let topics = ["t".parse().unwrap()];
    peer.subscribe(&topics).await;
    peer.unsubscribe(&topics).await;
    peer.send(peer.destination(), "before the move").await;
    peer.expect_next("before the move").await;

    let channel = RedisNames::new(&address.cluster).inbox(&peer.inbox);
    let slot: u16 = query(&url, &["CLUSTER", "KEYSLOT", &channel]).await;
    let shards = shards(&url).await;
    let other = shards.iter().find(|shard| !shard.owns_slot(slot)).unwrap();
    for shard in &shards {
        let slot = slot.to_string();
        let set_slot = ["CLUSTER", "SETSLOT", &slot, "NODE", &other.id];
        let () = query(&shard.url, &set_slot).await;
    }
    let end = peer.wait_closed().await.to_string();
    assert!(end.contains("another shard"), "{end}");
    let mut again = RedisPeer::connect(&address, "n").await;
    again.send(again.destination(), "after the move").await;
    again.expect_next("after the move").await;
}

/// The node sends nothing itself, so only the regular pings detect it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hung_shard_ends_the_connection() {
    let cluster = RedisClusterService::start().unwrap();
    let address = address(&cluster.url());
    let mut peer = RedisPeer::connect(&address, "n").await;
    let pid = *cluster.pids().last().unwrap();
    signal("-STOP", pid);
    peer.wait_closed().await;
    signal("-CONT", pid);
    let mut again = RedisPeer::connect(&address, "n").await;
    again.send(again.destination(), "back").await;
    again.expect_next("back").await;
}

/// The URL names one server alone, which is killed. Nodes connect through another one that
/// the cluster named, as soon as a replica has been promoted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failover_of_the_server_of_the_url_is_followed() {
    let options = RedisClusterOptions { replicas: 1 };
    let mut servers = RedisClusterService::start_with(options).unwrap();
    let (url, cluster) = (servers.url(), address(&servers.url()).cluster);
    let [a, mut b] = ["a", "b"].map(|id| join_member(&url, &cluster, id));
    let version = wait_until_joined(&a, &mut b, 0).await;
    let primary = servers.pid().unwrap();
    servers.kill_one(primary);
    for member in [&a, &b] {
        wait_for_view(member, "the loss", |view| !view.connected).await;
    }
    wait_until_joined(&a, &mut b, version).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failover_by_sentinel_is_followed() {
    let mut servers = RedisSentinelService::start().unwrap();
    // The first Sentinel of the URL is dead.
    let url = servers.url().replace("://", "://127.0.0.1:1,");
    let cluster = address(&url).cluster;
    let [a, mut b] = ["a", "b"].map(|id| join_member(&url, &cluster, id));
    let version = wait_until_joined(&a, &mut b, 0).await;
    let primary = servers.pid().unwrap();
    servers.kill_one(primary);
    wait_until_joined(&a, &mut b, version).await;

    // TransportPeer connects to one server alone.
    let unknown = address(&servers.url().replace("/primary", "/other"));
    let error = RedisPeer::try_connect(&unknown, "n").await.err().unwrap();
    assert!(error.to_string().contains("name of the primary"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replica_is_passed_over_and_a_new_primary_is_found() {
    let start = || RedisService::start(RedisOptions::default()).unwrap();
    let [mut primary, replica] = [start(), start()];
    let port = primary.url().rsplit(':').next().unwrap().to_owned();
    let () = query(&replica.url(), &["REPLICAOF", "127.0.0.1", &port]).await;
    let error = RedisPeer::try_connect(&address(&replica.url()), "n").await;
    let error = error.err().unwrap();
    let is_replica =
        matches!(&error, TransportError::Unsuitable { hint, .. } if hint.contains("primary"));
    assert!(is_replica, "{error:?}");

    let url = format!("{},127.0.0.1:{port}", replica.url());
    let cluster = address(&url).cluster;
    let [a, mut b] = ["a", "b"].map(|id| join_member(&url, &cluster, id));
    let version = wait_until_joined(&a, &mut b, 0).await;
    primary.kill();
    let () = query(&replica.url(), &["REPLICAOF", "NO", "ONE"]).await;
    wait_until_joined(&a, &mut b, version).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn survivor_ends_connections_on_every_shard() {
    let cluster = RedisClusterService::start().unwrap();
    let address = address(&cluster.url());
    let survivor = RedisPeer::connect(&address, "s").await;
    let mut hung = RedisPeer::connect(&address, "h").await;
    let channel = RedisNames::new(&address.cluster).inbox(&hung.inbox);
    survivor.transport.remove_inbox(&hung.inbox).await.unwrap();
    hung.wait_closed().await;
    for shard in shards(&cluster.url()).await {
        let clients: String = query(&shard.url, &["CLIENT", "LIST"]).await;
        assert!(!clients.contains(&format!("name={channel}")), "{clients}");
    }
    assert!(survivor.load().await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_server_still_publishes_and_rejects_the_table_with_a_hint() {
    let server = RedisService::start(RedisOptions::default()).unwrap();
    let url = server.url();
    let mut peer = RedisPeer::connect(&address(&url), "n").await;
    let () = query(&url, &["CONFIG", "SET", "maxmemory", "1"]).await;
    let stored = peer.transport.store_table(None, "table".into()).await;
    let error = stored.unwrap_err().to_string();
    assert!(
        error.contains("hint: raise the server's maxmemory"),
        "{error}"
    );
    peer.send(peer.destination(), "through").await;
    peer.expect_next("through").await;
    let () = query(&url, &["CONFIG", "SET", "maxmemory", "0"]).await;
    assert!(peer.store(None, "table").await);
}

/// Many servers allow applications everything except the category @dangerous.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn user_without_dangerous_commands_can_connect() {
    let server = RedisService::start(RedisOptions::default()).unwrap();
    let user = [
        "ACL",
        "SETUSER",
        "app",
        "on",
        ">pw",
        "~highwater:*",
        "&highwater:*",
    ];
    let rules = ["+@all", "-@dangerous"];
    let () = query(&server.url(), &[&user[..], &rules].concat()).await;
    let url = server.url().replace("redis://", "redis://app:pw@");
    let mut peer = RedisPeer::connect(&address(&url), "n").await;
    peer.send(peer.destination(), "allowed").await;
    peer.expect_next("allowed").await;
}
