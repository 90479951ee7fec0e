//! The backplane of a cluster of one node.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use super::{
    Backplane, Identity, Inbound, ReplyTo, RequestError, SendError, TrafficCounters, View,
};
use crate::id::{NodeId, Topic};

/// A backplane without other members. Every unicast fails, every publish succeeds.
pub(super) struct Standalone {
    view: watch::Sender<Arc<View>>,
    traffic: TrafficCounters,
    /// Held, because the node takes the end of its inbound channel for the end of its
    /// membership.
    _deliver: mpsc::Sender<Inbound>,
}

impl Standalone {
    pub(super) fn new(identity: Identity, deliver: mpsc::Sender<Inbound>) -> Self {
        let view = View {
            version: 1,
            members: vec![identity.into_member(1)],
            connected: true,
        };
        Self {
            view: watch::Sender::new(Arc::new(view)),
            traffic: TrafficCounters::default(),
            _deliver: deliver,
        }
    }
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
