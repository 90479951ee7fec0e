//! The node's end of a backplane, whatever carries it: who is there, who waits for
//! a reply, what is subscribed to, what has gone through.

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

/// One node's end. `road` is what differs between backplanes.
pub(super) struct BackplaneEndpoint<R> {
    pub(super) me: NodeId,
    pub(super) traffic: Arc<TrafficCounters>,
    pub(super) outbound: R,
    view: watch::Sender<Arc<View>>,
    pending: Arc<Pending>,
    topics: Mutex<HashSet<Topic>>,
    /// A subscription did not fit the queue: all of them must be asked for again.
    pub(super) resubscribe: Notify,
}

/// How a backplane puts things on their way: queued in order, or refused at once.
/// Each answers how many bytes it queued, 0 for nothing.
pub(super) trait Outbound: Send + Sync + 'static {
    /// To a member of the view, and to nobody if another has its seat by now.
    fn unicast(&self, to: &Member, envelope: &Envelope, payload: &[u8]) -> Enqueued;

    /// To the other subscribers.
    fn publish(&self, topic: &Topic, payload: &[u8]) -> Enqueued;

    /// Asks for a topic.
    fn subscribe(&self, topic: &Topic) -> Enqueued;

    /// Asks for a topic no more.
    fn unsubscribe(&self, topic: &Topic) -> Enqueued;
}

pub(super) type Enqueued = Result<usize, bounded_queue::QueueFull>;

impl<R: Outbound> BackplaneEndpoint<R> {
    pub(super) fn new(me: NodeId, outbound: R) -> Self {
        Self {
            me,
            traffic: Arc::default(),
            outbound,
            view: watch::Sender::new(Arc::new(View::empty())),
            pending: Arc::default(),
            topics: Mutex::default(),
            resubscribe: Notify::new(),
        }
    }

    /// The members as last seen, connected or not.
    pub(super) fn last_view(&self) -> Arc<View> {
        Arc::clone(&self.view.borrow())
    }

    /// Goes over to another view; waits for those who left end.
    pub(super) fn apply_view(&self, view: View) {
        let view = Arc::new(view);
        let before = self.view.send_replace(Arc::clone(&view));
        self.pending.fail_departed(&before, &view);
    }

    /// Keeps the last members: their devices are most likely still theirs.
    pub(super) fn mark_disconnected(&self) {
        self.view.send_if_modified(|view| {
            let was = view.connected;
            Arc::make_mut(view).connected = false;
            was
        });
        self.pending.fail_all();
    }

    /// What this node subscribes to now.
    pub(super) fn topics(&self) -> Vec<Topic> {
        self.lock_topics().iter().cloned().collect()
    }

    /// A unicast that arrived. Replies end their wait here; the rest is for the node
    /// to handle.
    pub(super) fn handle_unicast(
        &self,
        from: NodeId,
        envelope: Envelope,
        payload: Bytes,
    ) -> Option<Inbound> {
        match envelope {
            Envelope::Message => Some(Inbound::Message { from, payload }),
            Envelope::Request(reply_to) => Some(Inbound::Request {
                from,
                reply_to,
                payload,
            }),
            Envelope::Reply { correlation } => {
                self.pending.complete(correlation, payload);
                None
            }
            Envelope::Forwarded { correlation, to } => {
                self.pending.redirect(correlation, to, &self.view.borrow());
                None
            }
            Envelope::GoAway => {
                if let Some(member) = self.last_view().member(&from) {
                    self.pending.handle_goaway(member);
                }
                None
            }
        }
    }

    fn unicast(&self, to: &NodeId, envelope: &Envelope, payload: &[u8]) -> Result<(), SendError> {
        let view = self.last_view();
        let Some(member) = view.member(to) else {
            return Err(SendError::NotMember(to.clone()));
        };
        check_sendable(&view, payload)?;
        let kind = match member.role {
            MemberRole::Node => MessageKind::Unicast,
            MemberRole::Gateway => MessageKind::Control,
        };
        self.count_enqueued(kind, self.outbound.unicast(member, envelope, payload))
    }

    fn count_enqueued(&self, kind: MessageKind, pushed: Enqueued) -> Result<(), SendError> {
        match pushed {
            Ok(0) => Ok(()),
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

fn check_sendable(view: &View, payload: &[u8]) -> Result<(), SendError> {
    if payload.len() > MAX_PAYLOAD_BYTES {
        return Err(SendError::TooLarge(payload.len()));
    }
    match view.connected {
        true => Ok(()),
        false => Err(SendError::Disconnected),
    }
}

impl<R: Outbound> Backplane for BackplaneEndpoint<R> {
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
        // The wait exists before the question leaves, so no answer can be too early.
        let wait = match self.pending.register(to) {
            Ok(wait) => wait,
            Err(error) => return std::future::ready(Err(error)).boxed(),
        };
        let correlation = wait.correlation();
        let reply_to = ReplyTo {
            node: self.me.clone(),
            correlation,
        };
        match self.unicast(to, &Envelope::Request(reply_to), &payload) {
            Ok(()) => wait.wait_until(deadline).boxed(),
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
        // Lost, the notice costs the asking node only its early warning.
        let _ = self.unicast(&request.node, &notice, &[]);
        Ok(())
    }

    fn announce_leave(&self) {
        let view = self.last_view();
        for member in view.members.iter().filter(|member| member.id != self.me) {
            // Lost, it costs that node what it costs when this one dies.
            let _ = self.unicast(&member.id, &Envelope::GoAway, &[]);
        }
    }

    fn publish(&self, topic: &Topic, payload: Bytes) -> Result<(), SendError> {
        check_sendable(&self.view.borrow(), &payload)?;
        self.count_enqueued(MessageKind::Topic, self.outbound.publish(topic, &payload))
    }

    fn subscribe(&self, topic: &Topic) {
        // The set is what counts: a new connection begins with it.
        self.lock_topics().insert(topic.clone());
        if self.view.borrow().connected
            && self
                .count_enqueued(MessageKind::Control, self.outbound.subscribe(topic))
                .is_err()
        {
            self.resubscribe.notify_one();
        }
    }

    fn unsubscribe(&self, topic: &Topic) {
        self.lock_topics().remove(topic);
        if self.view.borrow().connected {
            // Lost, it costs some messages that nobody here wants.
            let _ = self.count_enqueued(MessageKind::Control, self.outbound.unsubscribe(topic));
        }
    }

    fn traffic(&self) -> &TrafficCounters {
        &self.traffic
    }
}
