//! The backplane of a cluster of one node.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use super::{
    Backplane, Inbound, ReplyTo, RequestError, SendError, TrafficCounters, View,
    reconnect::{Joined, JoiningNode},
};
use crate::id::{NodeId, Topic};

/// A backplane without other members. Every unicast fails, every publish succeeds.
struct Standalone {
    view: watch::Sender<Arc<View>>,
    traffic: TrafficCounters,
    /// Held, because the node takes the end of its inbound channel for the end of its
    /// membership.
    _deliver: mpsc::Sender<Inbound>,
}

/// Makes the node the only member of its cluster.
pub(super) fn join(node: JoiningNode) -> Joined {
    let view = View {
        version: 1,
        members: vec![node.identity.into_member(1)],
        connected: true,
    };
    let standalone = Standalone {
        view: watch::Sender::new(Arc::new(view)),
        traffic: TrafficCounters::default(),
        _deliver: node.deliver,
    };
    // There is nothing to leave, but the caller waits for the end of the task.
    let task = tokio::spawn(node.leave.cancelled_owned());
    (Arc::new(standalone), task)
}

impl Backplane for Standalone {
    fn view(&self) -> watch::Receiver<Arc<View>> {
        self.view.subscribe()
    }

    fn send(&self, to: &NodeId, _: Bytes) -> Result<(), SendError> {
        Err(SendError::NotMember(to.clone()))
    }

    fn request(
        &self,
        to: &NodeId,
        _: Bytes,
        _: Instant,
    ) -> BoxFuture<'static, Result<Bytes, RequestError>> {
        let error = SendError::NotMember(to.clone());
        std::future::ready(Err(error.into())).boxed()
    }

    fn reply(&self, to: &ReplyTo, _: Bytes) -> Result<(), SendError> {
        Err(SendError::NotMember(to.node.clone()))
    }

    fn forward(&self, _: &ReplyTo, to: &NodeId, _: Bytes) -> Result<(), SendError> {
        Err(SendError::NotMember(to.clone()))
    }

    fn announce_leave(&self) {}

    fn publish(&self, _: &Topic, _: Bytes) -> Result<(), SendError> {
        // No other node subscribes, so the message has reached all of them.
        Ok(())
    }

    fn subscribe(&self, _: &Topic) {}

    fn unsubscribe(&self, _: &Topic) {}

    fn traffic(&self) -> &TrafficCounters {
        &self.traffic
    }
}
