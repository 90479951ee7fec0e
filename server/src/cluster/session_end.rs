//! The end of a session, in the registry, the topics and the owner directory.

use std::sync::Arc;

use super::{command::send_reply, context::ClusterContext, directory_client::unregister};
use crate::{
    message::CommandReply,
    net::ws::close::CloseReason,
    session::{Session, subscription::TopicSubscription},
};

/// Fails the commands that wait for the device of a closing session, and ends its
/// subscriptions.
pub(crate) fn fail_pending(cluster: &ClusterContext, session: &Arc<Session>, reason: CloseReason) {
    let (pending, subscriptions) = session.take_pending();
    for TopicSubscription { topic, slot } in subscriptions {
        cluster.topics.unsubscribe(&topic, slot);
    }
    for reply_to in pending {
        let owner = cluster.me.clone();
        let reply = match reason {
            CloseReason::Replaced => CommandReply::Replaced { owner },
            _ => CommandReply::Disconnected { owner },
        };
        send_reply(cluster, reply_to, reply);
    }
}

/// Removes a session that ended from the node and from the directory.
pub(crate) fn remove_session(
    cluster: &ClusterContext,
    session: &Arc<Session>,
    reason: CloseReason,
) {
    cluster.sessions.registry.remove(session, None);
    fail_pending(cluster, session, reason);
    // Without an epoch the directory has never accepted it.
    if let Some(epoch) = session.epoch() {
        unregister(cluster, session.device.clone(), epoch);
    }
}
