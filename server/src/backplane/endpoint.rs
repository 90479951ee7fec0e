//! The node's end of a backplane, the same for every transport.
//!
//! The endpoint holds the view, the pending requests, the subscriptions and the counters.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use parking_lot::{Mutex, MutexGuard};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::{
    Backplane, Inbound, MAX_PAYLOAD_BYTES, Member, MemberRole, MessageKind, ReplyTo, RequestError,
    SendError, TrafficCounters, View, envelope::Envelope, pending::Pending,
};
use crate::{
    id::{NodeId, Topic},
    net::bounded_queue,
};

/// One node's end of a backplane. `Q` is the send queue, in which backplanes differ.
pub(super) struct BackplaneEndpoint<Q> {
    pub(super) id: NodeId,
    pub(super) traffic: Arc<TrafficCounters>,
    send_queue: Q,
    view: watch::Sender<Arc<View>>,
    pending: Arc<Pending>,
    topics: Mutex<HashSet<Topic>>,
    /// Notified when a subscription did not fit the send queue, and on each new
    /// connection: the connection must then subscribe to all topics.
    pub(super) resubscribe: Notify,
}

/// The path to the backplane: it queues in order, or rejects at once.
pub(super) trait Outbound: Send + Sync + 'static {
    /// Queues a unicast between two members of one view.
    ///
    /// The message is dropped later, if `to` has another generation by then.
    fn unicast(&self, from: &Member, to: &Member, envelope: &Envelope, payload: &[u8]) -> Enqueued;

    /// Queues a message for the other subscribers of `topic`.
    fn publish(&self, from: &Member, topic: &Topic, payload: &[u8]) -> Enqueued;

    /// Queues a subscription.
    fn subscribe(&self, topic: &Topic) -> Enqueued;

    /// Queues the end of a subscription.
    fn unsubscribe(&self, topic: &Topic) -> Enqueued;
}

/// The bytes that were queued.
pub(super) type Enqueued = Result<usize, bounded_queue::QueueFull>;

impl<Q: Outbound> BackplaneEndpoint<Q> {
    pub(super) fn new(id: NodeId, send_queue: Q) -> Self {
        Self {
            id,
            traffic: Arc::default(),
            send_queue,
            view: watch::Sender::new(Arc::new(View::empty())),
            pending: Arc::default(),
            topics: Mutex::default(),
            resubscribe: Notify::new(),
        }
    }

    /// Returns the last known members, connected or not.
    pub(super) fn last_view(&self) -> Arc<View> {
        Arc::clone(&self.view.borrow())
    }

    /// Applies another view and fails the requests that wait for departed members.
    pub(super) fn apply_view(&self, view: View) {
        let view = Arc::new(view);
        let before = self.view.send_replace(Arc::clone(&view));
        // After the view is replaced: a request that starts in between either sees the
        // new view or is failed here.
        self.pending.fail_departed(&before, &view);
    }

    /// Marks the view as disconnected and fails every pending request.
    pub(super) fn mark_disconnected(&self) {
        // The members stay in the view: most of their devices are still connected to
        // them, and this node cannot know better until it is back.
        self.view.send_if_modified(|view| {
            let was_connected = view.connected;
            Arc::make_mut(view).connected = false;
            was_connected
        });
        self.pending.fail_all();
    }

    /// Returns the topics to which this node subscribes now.
    pub(super) fn topics(&self) -> Vec<Topic> {
        self.lock_topics().iter().cloned().collect()
    }

    /// Handles a received unicast and returns the message for the node, if it is one.
    pub(super) fn handle_unicast(
        &self,
        from: NodeId,
        envelope: Envelope,
        payload: Bytes,
    ) -> Option<Inbound> {
        match envelope {
            Envelope::Message => return Some(Inbound::Message { from, payload }),
            Envelope::Request(reply_to) => {
                return Some(Inbound::Request {
                    from,
                    reply_to,
                    payload,
                });
            }
            Envelope::Reply { correlation } => self.pending.complete(correlation, payload),
            Envelope::Forwarded { correlation, to } => {
                self.pending.redirect(correlation, to, &self.view.borrow());
            }
            Envelope::GoAway => {
                if let Some(member) = self.last_view().member(&from) {
                    self.pending.handle_goaway(member);
                }
            }
        }
        None
    }

    fn unicast(&self, to: &NodeId, envelope: &Envelope, payload: &[u8]) -> Result<(), SendError> {
        let view = self.last_view();
        let Some(to) = view.member(to) else {
            return Err(SendError::NotMember(to.clone()));
        };
        let from = self.sender_in(&view, payload)?;
        // A gateway only gets load reports: they are not traffic between nodes.
        let kind = match to.role {
            MemberRole::Node => MessageKind::Unicast,
            MemberRole::Gateway => MessageKind::Control,
        };
        self.count_enqueued(kind, self.send_queue.unicast(from, to, envelope, payload))
    }

    /// Returns this node's own entry in `view`, if a payload can be sent now.
    fn sender_in<'v>(&self, view: &'v View, payload: &[u8]) -> Result<&'v Member, SendError> {
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Err(SendError::TooLarge(payload.len()));
        }
        // Sender and receiver come from the same view: receivers drop the frame, if this
        // node has joined again before it is sent.
        match view.member(&self.id) {
            Some(own) if view.connected => Ok(own),
            _ => Err(SendError::Disconnected),
        }
    }

    fn count_enqueued(&self, kind: MessageKind, enqueued: Enqueued) -> Result<(), SendError> {
        match enqueued {
            Ok(bytes) => {
                self.traffic.count_sent(kind, bytes);
                Ok(())
            }
            Err(bounded_queue::QueueFull) => {
                self.traffic.count_rejected();
                Err(SendError::Full)
            }
        }
    }

    fn lock_topics(&self) -> MutexGuard<'_, HashSet<Topic>> {
        self.topics.lock()
    }
}

impl<Q: Outbound> Backplane for BackplaneEndpoint<Q> {
    fn view(&self) -> watch::Receiver<Arc<View>> {
        self.view.subscribe()
    }

    fn send(&self, to: &NodeId, payload: Bytes) -> Result<(), SendError> {
        self.unicast(to, &Envelope::Message, &payload)
    }

    fn request(
        &self,
        to: &NodeId,
        payload: Bytes,
        deadline: Instant,
    ) -> BoxFuture<'static, Result<Bytes, RequestError>> {
        // Registered before the request is sent, so that no response arrives too early.
        let pending = match self.pending.register(to) {
            Ok(pending) => pending,
            Err(error) => return std::future::ready(Err(error)).boxed(),
        };
        let correlation = pending.correlation();
        let reply_to = ReplyTo {
            node: self.id.clone(),
            correlation,
        };
        match self.unicast(to, &Envelope::Request(reply_to), &payload) {
            Ok(()) => pending.wait_until(deadline).boxed(),
            Err(error) => std::future::ready(Err(error.into())).boxed(),
        }
    }

    fn reply(&self, to: &ReplyTo, payload: Bytes) -> Result<(), SendError> {
        let correlation = to.correlation;
        self.unicast(&to.node, &Envelope::Reply { correlation }, &payload)
    }

    fn forward(&self, request: &ReplyTo, to: &NodeId, payload: Bytes) -> Result<(), SendError> {
        if self.pending.is_leaving(to) {
            return Err(SendError::NotMember(to.clone()));
        }
        self.unicast(to, &Envelope::Request(request.clone()), &payload)?;
        let correlation = request.correlation;
        let notice = Envelope::Forwarded {
            correlation,
            to: to.clone(),
        };
        // Without the notice, the requester waits for its deadline when `to` dies.
        let _ = self.unicast(&request.node, &notice, &[]);
        Ok(())
    }

    fn announce_leave(&self) {
        let view = self.last_view();
        for member in view.members.iter().filter(|member| member.id != self.id) {
            // Without the notice, that member gets `Left` as when this node dies.
            let _ = self.unicast(&member.id, &Envelope::GoAway, &[]);
        }
    }

    fn publish(&self, topic: &Topic, payload: Bytes) -> Result<(), SendError> {
        let view = self.last_view();
        let from = self.sender_in(&view, &payload)?;
        let enqueued = self.send_queue.publish(from, topic, &payload);
        self.count_enqueued(MessageKind::Topic, enqueued)
    }

    fn subscribe(&self, topic: &Topic) {
        // Inserted first: a new connection subscribes to this set, so a topic that
        // misses the queue of the old connection is not lost.
        self.lock_topics().insert(topic.clone());
        if self.view.borrow().connected
            && self
                .count_enqueued(MessageKind::Control, self.send_queue.subscribe(topic))
                .is_err()
        {
            self.resubscribe.notify_one();
        }
    }

    fn unsubscribe(&self, topic: &Topic) {
        self.lock_topics().remove(topic);
        if self.view.borrow().connected {
            // A lost unsubscribe only costs messages that the node ignores.
            let _ = self.count_enqueued(MessageKind::Control, self.send_queue.unsubscribe(topic));
        }
    }

    fn traffic(&self) -> &TrafficCounters {
        &self.traffic
    }
}
