//! What goes wrong in a cluster of servers without a connection that breaks.
//!
//! A shard that hangs, or whose machine is gone without a word, says nothing on a
//! connection that only listens; when another server takes its slots over, what is
//! published there is not heard here any more. And a server that gives a slot away
//! ends the subscriptions in it. A node that waited for its connections to break
//! would look alive, and be deaf.

use std::{collections::HashSet, sync::Arc, time::Duration};

use parking_lot::Mutex;
use redis::{
    RedisResult,
    cluster_async::ClusterConnection,
    cluster_routing::{MultipleNodeRoutingInfo, ResponsePolicy, RoutingInfo},
};
use tokio::time::{MissedTickBehavior, interval};

use super::InboundSender;

/// Between two looks at whether every shard answers.
const PING_INTERVAL: Duration = Duration::from_secs(2);

/// Waits until every shard has answered.
pub(super) async fn ping_all_shards(connection: &ClusterConnection) -> RedisResult<()> {
    let all = MultipleNodeRoutingInfo::AllMasters;
    let all = RoutingInfo::MultiNode((all, Some(ResponsePolicy::AllSucceeded)));
    let mut connection = connection.clone();
    connection
        .route_command(redis::cmd("PING"), all)
        .await
        .map(drop)
}

/// Asks every shard now and then, over the connections that listen, until one does
/// not answer.
pub(super) async fn monitor_shards(listening: ClusterConnection, arrivals: InboundSender) {
    let mut looks = interval(PING_INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        if let Err(error) = ping_all_shards(&listening).await {
            return arrivals.close(error.into());
        }
    }
}

/// Subscriptions that this node has asked the server to end. It says so of each; of
/// one that is not in here it is the server that ended it.
#[derive(Clone, Default)]
pub(super) struct PendingUnsubscribes(Arc<Mutex<HashSet<Vec<u8>>>>);

impl PendingUnsubscribes {
    pub(super) fn insert(&self, channels: &[String]) {
        let channels = channels.iter().map(|channel| channel.clone().into_bytes());
        self.lock().extend(channels);
    }

    /// Whether the end of that subscription was asked for.
    pub(super) fn remove(&self, channel: &[u8]) -> bool {
        self.lock().remove(channel)
    }

    fn lock(&self) -> parking_lot::MutexGuard<'_, HashSet<Vec<u8>>> {
        self.0.lock()
    }
}
