//! The checks for failures of a Redis Cluster that break no connection.
//!
//! A shard that hangs sends nothing on a connection that only receives. When another
//! server takes over its slots, messages there do not reach the old subscriber. A server
//! that gives a slot away ends the subscriptions in it. Without these checks, a node
//! would send heartbeats and receive nothing.

use std::{collections::HashSet, sync::Arc, time::Duration};

use parking_lot::{Mutex, MutexGuard};
use redis::{
    RedisResult,
    cluster_async::ClusterConnection,
    cluster_routing::{MultipleNodeRoutingInfo, ResponsePolicy, RoutingInfo},
};
use tokio::time::{MissedTickBehavior, interval};

use crate::backplane::remote::InboundSender;

/// The interval at which every shard is pinged: a few times within the default lease.
const PING_INTERVAL: Duration = Duration::from_secs(2);

/// Pings every shard and waits for all answers.
pub(super) async fn ping_all_shards(connection: &ClusterConnection) -> RedisResult<()> {
    // Replicas may be down: no channel of the node is there.
    let all = MultipleNodeRoutingInfo::AllMasters;
    let all = RoutingInfo::MultiNode((all, Some(ResponsePolicy::AllSucceeded)));
    let mut connection = connection.clone();
    connection
        .route_command(redis::cmd("PING"), all)
        .await
        .map(drop)
}

/// Pings every shard over the subscribed connections, until one does not answer.
pub(super) async fn monitor_shards(subscriber: ClusterConnection, inbound: InboundSender) {
    let mut pings = interval(PING_INTERVAL);
    // After a pause one ping suffices.
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pings.tick().await;
        if let Err(error) = ping_all_shards(&subscriber).await {
            return inbound.close(error.into());
        }
    }
}

/// The subscriptions that this node is about to end.
///
/// Redis announces the end of each subscription. If it is not in this set, the server
/// has ended it.
#[derive(Clone, Default)]
pub(super) struct PendingUnsubscribes(Arc<Mutex<HashSet<Vec<u8>>>>);

impl PendingUnsubscribes {
    pub(super) fn insert(&self, channels: &[String]) {
        let channels = channels.iter().map(|channel| channel.clone().into_bytes());
        self.lock().extend(channels);
    }

    /// Removes a channel and returns whether it was in the set.
    pub(super) fn remove(&self, channel: &[u8]) -> bool {
        self.lock().remove(channel)
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Vec<u8>>> {
        self.0.lock()
    }
}
