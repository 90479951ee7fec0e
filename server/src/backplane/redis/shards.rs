//! The checks for failures of a Redis Cluster that break no connection.
//!
//! A shard that hangs sends nothing on a connection that only receives. When another
//! server takes over its slots, messages there do not reach the old subscriber. A server
//! that gives a slot away ends the subscriptions in it. Without these checks, a node
//! would send heartbeats and receive nothing.

use std::{sync::Arc, time::Duration};

use highwater_types::ServerAddress;
use parking_lot::Mutex;
use redis::{
    RedisResult,
    cluster_async::ClusterConnection,
    cluster_routing::{MultipleNodeRoutingInfo, ResponsePolicy, RoutingInfo},
};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::cluster_nodes::cluster_nodes;
use crate::backplane::remote::InboundSender;

/// The interval at which every shard is pinged: a few times within the default lease.
const PING_INTERVAL: Duration = Duration::from_secs(2);

/// Pings every shard and waits for all answers.
pub(super) async fn ping_all_shards(connection: &ClusterConnection) -> RedisResult<()> {
    // Replicas may be down: no channel of the node is there.
    let all = MultipleNodeRoutingInfo::AllMasters;
    let all = RoutingInfo::MultiNode((all, Some(ResponsePolicy::AllSucceeded)));
    let mut connection = connection.clone();
    let ping = connection.route_command(redis::cmd("PING"), all);
    ping.await.map(drop)
}

/// The interval at which the servers of the cluster are listed anew.
const LIST_INTERVAL: Duration = Duration::from_secs(30);

/// The servers of a cluster, as it listed them last.
pub(super) type NamedServers = Arc<Mutex<Vec<ServerAddress>>>;

/// Pings every shard over the subscribed connections, until one does not answer.
pub(super) async fn monitor_shards(
    subscriber: ClusterConnection,
    named_servers: NamedServers,
    inbound: InboundSender,
) {
    let mut listed_at = Instant::now();
    let mut pings = interval(PING_INTERVAL);
    // After a pause one ping suffices.
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pings.tick().await;
        if let Err(error) = ping_all_shards(&subscriber).await {
            return inbound.close(error.into());
        }
        if listed_at.elapsed() >= LIST_INTERVAL {
            listed_at = Instant::now();
            // The former list serves until the next one.
            if let Ok(listed) = cluster_nodes(&mut subscriber.clone()).await {
                *named_servers.lock() = listed;
            }
        }
    }
}
