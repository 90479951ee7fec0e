//! The node's end of a backplane, the same for every transport.
//!
//! The endpoint holds the view, the pending requests, the subscriptions and the counters.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
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
    net::bounded_queue::{self, BoundedReceiver, BoundedSender, ByteSize, QueueFull},
};

/// The items that may wait for the broker; further ones are rejected.
const MAX_QUEUED_ITEMS: usize = 8192;
/// The bytes that may wait for the broker; further ones are rejected.
const MAX_QUEUED_BYTES: usize = 16 * 1024 * 1024;

/// One node's end of a backplane. `T` is the item of its send queue, in which backplanes
/// differ.
pub(super) struct BackplaneEndpoint<T> {
    id: NodeId,
    pub(super) traffic: Arc<TrafficCounters>,
    send_queue: BoundedSender<T>,
    view: watch::Sender<Arc<View>>,
    pending: Arc<Pending>,
    topics: Mutex<HashSet<Topic>>,
    /// Notified when a subscription did not fit the send queue, and on each new
    /// connection: the connection must then subscribe to all topics.
    pub(super) resubscribe: Notify,
}

/// An item of the send queue, made in the task that sends it.
pub(super) trait Outbound: ByteSize + Send + Sized + 'static {
    /// Creates a unicast between two members of one view.
    ///
    /// The message is dropped later, if `to` has another generation by then.
    fn unicast(from: &Member, to: &Member, envelope: &Envelope, payload: &[u8]) -> Self;

    /// Creates a message for the other subscribers of `topic`.
    fn publish(from: &Member, topic: &Topic, payload: &[u8]) -> Self;

    /// Creates a subscription, or the end of one.
    fn subscription(topic: &Topic, is_wanted: bool) -> Self;

    /// Returns the bytes that the traffic counters count.
    fn traffic_bytes(&self) -> usize;
}

impl<T: Outbound> BackplaneEndpoint<T> {
    /// Creates the endpoint, and the receiver of its send queue.
    pub(super) fn new(id: NodeId) -> (Self, BoundedReceiver<T>) {
        let (send_queue, queue) = bounded_queue::channel(MAX_QUEUED_ITEMS, MAX_QUEUED_BYTES);
        let endpoint = Self {
            id,
            traffic: Arc::default(),
            send_queue,
            view: watch::Sender::new(Arc::default()),
            pending: Arc::default(),
            topics: Mutex::default(),
            resubscribe: Notify::new(),
        };
        (endpoint, queue)
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

    /// Marks the last view as connected again, on the connection that it came from.
    pub(super) fn mark_connected(&self) {
        self.view
            .send_modify(|view| Arc::make_mut(view).connected = true);
    }

    /// Returns the topics to which this node subscribes now.
    pub(super) fn topics(&self) -> Vec<Topic> {
        self.topics.lock().iter().cloned().collect()
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
            // The requests to a node that has left have failed already.
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
        self.enqueue(kind, T::unicast(from, to, envelope, payload))
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

    fn enqueue(&self, kind: MessageKind, item: T) -> Result<(), SendError> {
        let bytes = item.traffic_bytes();
        if let Err(QueueFull) = self.send_queue.push(item) {
            self.traffic.rejected.add(1);
            return Err(SendError::Full);
        }
        self.traffic.count_sent(kind, bytes);
        Ok(())
    }
}

impl<T: Outbound> Backplane for BackplaneEndpoint<T> {
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
        let reply_to = ReplyTo {
            node: self.id.clone(),
            correlation: pending.correlation,
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
        let notice = Envelope::Forwarded {
            correlation: request.correlation,
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
        self.enqueue(MessageKind::Topic, T::publish(from, topic, &payload))
    }

    fn subscribe(&self, topic: &Topic) {
        // Inserted first: a new connection subscribes to this set, so a topic that
        // misses the queue of the old connection is not lost.
        self.topics.lock().insert(topic.clone());
        let subscription = T::subscription(topic, true);
        if self.view.borrow().connected && self.enqueue(MessageKind::Control, subscription).is_err()
        {
            self.resubscribe.notify_one();
        }
    }

    fn unsubscribe(&self, topic: &Topic) {
        self.topics.lock().remove(topic);
        if self.view.borrow().connected {
            // A lost unsubscribe only costs messages that the node ignores.
            let _ = self.enqueue(MessageKind::Control, T::subscription(topic, false));
        }
    }

    fn traffic(&self) -> &TrafficCounters {
        &self.traffic
    }
}
