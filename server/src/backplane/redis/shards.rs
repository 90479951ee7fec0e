//! What goes wrong in a cluster of servers without a connection that breaks.
//!
//! A shard that hangs, or whose machine is gone without a word, says nothing on a
//! connection that only listens; when another server takes its slots over, what is
//! published there is not heard here any more. And a server that gives a slot away
//! ends the subscriptions in it. A node that waited for its connections to break
//! would look alive, and be deaf.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use redis::{
    RedisResult,
    cluster_async::ClusterConnection,
    cluster_routing::{MultipleNodeRoutingInfo, ResponsePolicy, RoutingInfo},
};
use tokio::time::{MissedTickBehavior, interval};

use super::Intake;

/// Between two looks at whether every shard answers.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Waits until every shard has answered.
pub(super) async fn ask_all(connection: &ClusterConnection) -> RedisResult<()> {
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
pub(super) async fn watch(listening: ClusterConnection, arrivals: Intake) {
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        if let Err(error) = ask_all(&listening).await {
            return arrivals.broke(error.into());
        }
    }
}

/// Subscriptions that this node has asked the server to end. It says so of each; of
/// one that is not in here it is the server that ended it.
#[derive(Clone, Default)]
pub(super) struct Ending(Arc<Mutex<HashSet<Vec<u8>>>>);

impl Ending {
    pub(super) fn expect(&self, channels: &[String]) {
        let channels = channels.iter().map(|channel| channel.clone().into_bytes());
        self.lock().extend(channels);
    }

    /// Whether the end of that subscription was asked for.
    pub(super) fn ended(&self, channel: &[u8]) -> bool {
        self.lock().remove(channel)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
