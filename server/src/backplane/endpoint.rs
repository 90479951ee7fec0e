//! The node's end of a backplane, whatever carries it: who is there, who waits for
//! a reply, what is subscribed to, what has gone through.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::{
    Backplane, Inbound, Kind, MAX_PAYLOAD_BYTES, Member, ReplyTo, RequestError, Role, SendError,
    Traffic, View, envelope::Envelope, pending::Pending,
};
use crate::{
    bounded_queue,
    id::{NodeId, Topic},
};

/// One node's end. `road` is what differs between backplanes.
pub(super) struct Endpoint<R> {
    pub(super) me: NodeId,
    pub(super) traffic: Arc<Traffic>,
    pub(super) road: R,
    view: watch::Sender<Arc<View>>,
    pending: Arc<Pending>,
    topics: Mutex<HashSet<Topic>>,
    /// A subscription did not fit the queue: all of them must be asked for again.
    pub(super) missed: Notify,
}

/// How a backplane puts things on their way: queued in order, or refused at once.
/// Each answers how many bytes it queued, 0 for nothing.
pub(super) trait Road: Send + Sync + 'static {
    /// To a member of the view, and to nobody if another has its seat by now.
    fn unicast(&self, to: &Member, envelope: &Envelope, payload: &[u8]) -> Pushed;

    /// To the other subscribers.
    fn publish(&self, topic: &Topic, payload: &[u8]) -> Pushed;

    /// Asks for a topic.
    fn subscribe(&self, topic: &Topic) -> Pushed;

    /// Asks for a topic no more.
    fn unsubscribe(&self, topic: &Topic) -> Pushed;
}

pub(super) type Pushed = Result<usize, bounded_queue::Refused>;

impl<R: Road> Endpoint<R> {
    pub(super) fn new(me: NodeId, road: R) -> Self {
        Self {
            me,
            traffic: Arc::default(),
            road,
            view: watch::Sender::new(Arc::new(View::nobody())),
            pending: Arc::default(),
            topics: Mutex::default(),
            missed: Notify::new(),
        }
    }

    /// The members as last seen, connected or not.
    pub(super) fn last_view(&self) -> Arc<View> {
        Arc::clone(&self.view.borrow())
    }

    /// Goes over to another view; waits for those who left end.
    pub(super) fn adopt(&self, view: View) {
        let view = Arc::new(view);
        let before = self.view.send_replace(Arc::clone(&view));
        self.pending.fail_departed(&before, &view);
    }

    /// Keeps the last members: their devices are most likely still theirs.
    pub(super) fn disconnected(&self) {
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
    pub(super) fn arrived(
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
                self.pending.forwarded(correlation, to, &self.view.borrow());
                None
            }
            Envelope::Farewell => {
                if let Some(member) = self.last_view().member(&from) {
                    self.pending.said_farewell(member);
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
        check(&view, payload)?;
        let kind = match member.role {
            Role::Node => Kind::Unicast,
            Role::Gateway => Kind::Control,
        };
        self.count(kind, self.road.unicast(member, envelope, payload))
    }

    fn count(&self, kind: Kind, pushed: Pushed) -> Result<(), SendError> {
        match pushed {
            Ok(0) => Ok(()),
            Ok(bytes) => {
                self.traffic.count_sent(kind, bytes);
                Ok(())
            }
            Err(bounded_queue::Refused) => {
                self.traffic.count_refused();
                Err(SendError::Full)
            }
        }
    }

    fn lock_topics(&self) -> MutexGuard<'_, HashSet<Topic>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check(view: &View, payload: &[u8]) -> Result<(), SendError> {
    if payload.len() > MAX_PAYLOAD_BYTES {
        return Err(SendError::TooLarge(payload.len()));
    }
    match view.connected {
        true => Ok(()),
        false => Err(SendError::Disconnected),
    }
}

impl<R: Road> Backplane for Endpoint<R> {
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
        let wait = match self.pending.wait_for(to) {
            Ok(wait) => wait,
            Err(error) => return std::future::ready(Err(error)).boxed(),
        };
        let correlation = wait.correlation();
        let reply_to = ReplyTo {
            node: self.me.clone(),
            correlation,
        };
        match self.unicast(to, &Envelope::Request(reply_to), &payload) {
            Ok(()) => wait.until(deadline).boxed(),
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

    fn farewell(&self) {
        let view = self.last_view();
        for member in view.members.iter().filter(|member| member.id != self.me) {
            // Lost, it costs that node what it costs when this one dies.
            let _ = self.unicast(&member.id, &Envelope::Farewell, &[]);
        }
    }

    fn publish(&self, topic: &Topic, payload: Bytes) -> Result<(), SendError> {
        check(&self.view.borrow(), &payload)?;
        self.count(Kind::Topic, self.road.publish(topic, &payload))
    }

    fn subscribe(&self, topic: &Topic) {
        // The set is what counts: a new connection begins with it.
        self.lock_topics().insert(topic.clone());
        if self.view.borrow().connected
            && self
                .count(Kind::Control, self.road.subscribe(topic))
                .is_err()
        {
            self.missed.notify_one();
        }
    }

    fn unsubscribe(&self, topic: &Topic) {
        self.lock_topics().remove(topic);
        if self.view.borrow().connected {
            // Lost, it costs some messages that nobody here wants.
            let _ = self.count(Kind::Control, self.road.unsubscribe(topic));
        }
    }

    fn traffic(&self) -> &Traffic {
        &self.traffic
    }
}
